# The virtual addresses that keepalived left, for run and finish. Where env/LONE_DIRECTOR says yes, keepalived leaves them
# and the IPVS rows when it ends (-V -I), the kernel goes on forwarding, and this holds the addresses through the next
# start, in which keepalived takes them off their interface until it is master again. README.md has the figures, and what
# it may not be used for. The addresses are those in supervise/checked, or in supervise/lone: of the last start.

# Where each of these addresses is now: ADDRESS/LENGTH INTERFACE, a line each.
where_is() {
    wanted=" $* "
    ip -oneline -4 address show | while read -r _ interface _ address _; do
        case $wanted in *" ${address%/*} "*) echo "$address $interface" ;; esac
    done
}

release() {
    where_is "$@" | while read -r address interface; do echo "address delete $address dev $interface"; done |
        ip -force -batch -
}

# What the last instance left of another configuration is nobody's: this one knows nothing of it.
release_what_is_of_another_configuration() {
    last=''
    { read -r last <supervise/lone && [ supervise/checked -nt supervise/lone ]; } 2>/dev/null || return
    [ ! -e /proc/net/ip_vs ] || ipvsadm --clear
    old=''
    for address in $last; do case " $addresses " in *" $address "*) ;; *) old="$old $address" ;; esac; done
    # shellcheck disable=SC2086
    [ -z "$old" ] || release $old
}

# Before keepalived starts: those that an earlier instance left move to lo, which answers for them just as well. `lone`
# takes them away there when keepalived has them back, when another director is heard, and after a minute.
hold() {
    moves=$(where_is "$@" | while read -r address interface; do
        echo "address replace ${address%/*}/32 dev lo scope host label lo:lone"
        [ "$interface" = lo ] || echo "address delete $address dev $interface"
    done)
    [ -n "$moves" ] || return
    echo "$moves" | ip -force -batch -
    ./lone $$ &
}

# For run. Without the notes of start-check, or somebody to take the addresses off lo again, nothing is held.
prepare_lone() {
    lone=''
    read_checked || { say 'warning: env/LONE_DIRECTOR: start-check was not asked by the supervisor: ignored'; return; }
    [ "$version" != 1.3.9 ] || { say "warning: env/LONE_DIRECTOR: keepalived 1.3.9 gives its addresses up all the same: ignored"; return; }
    for program in ip python3 ipvsadm; do
        command -v $program >/dev/null || { say "warning: env/LONE_DIRECTOR: $program not found: ignored"; return; }
    done
    lone='--dont-release-vrrp --dont-release-ipvs'
    release_what_is_of_another_configuration
    echo "$addresses" >supervise/lone
    # shellcheck disable=SC2086
    hold $addresses
}

# For finish, of a service that is to stay down.
let_lone_go() {
    last=''
    { read -r last <supervise/lone; } 2>/dev/null || return
    rm -f supervise/lone
    [ ! -e /proc/net/ip_vs ] || ipvsadm --clear
    # shellcheck disable=SC2086
    release $last
}
