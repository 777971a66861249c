# For run and finish, where env/LONE_DIRECTOR says yes: keepalived leaves the virtual addresses and the IPVS rows when it
# ends (-V -I), the kernel goes on forwarding, and this holds the addresses through the next start, in which keepalived
# takes them off their interface until it is master again. README.md has the figures, and what it may not be used for.

# The IPv4 virtual addresses of the configuration, a line each.
virtual_addresses() {
    list_files "$CONFIGURATION" | sed -n 's/^file //p' | while read -r path; do cat "$path"; done | awk '
        { sub(/[!#].*/, ""); gsub(/[{}]/, " & ") }
        { for (i = 1; i <= NF; i++) {
            if ($i ~ /^virtual_ipaddress(_excluded)?$/) inside = 1
            else if ($i == "}") inside = 0
            else if (inside && $i ~ /^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+(\/[0-9]+)?$/ && last != "brd") {
                split($i, part, "/"); print part[1] }
            last = $i } }'
}

# Where each of them is now: ADDRESS/LENGTH INTERFACE, a line each.
addresses_here() {
    wanted=" $(virtual_addresses | tr '\n' ' ')"
    ip -oneline -4 address show | while read -r _ interface _ address _; do
        case $wanted in *" ${address%/*} "*) echo "$address $interface" ;; esac
    done
}

# Before keepalived starts: those that an earlier instance left move to lo, which answers for them just as well. `lone`
# takes them away there when keepalived has them back, when another director is heard, and after a minute.
hold_addresses() {
    addresses_here | while read -r address interface; do
        [ "$interface" != lo ] || continue
        echo "address replace ${address%/*}/32 dev lo scope host label lo:lone"
        echo "address delete $address dev $interface"
    done | ip -force -batch -
    [ -z "$(ip -oneline -4 address show label lo:lone)" ] || ./lone $$ &
}

# After keepalived has ended and is to stay down, or has another configuration: as it would have done itself.
release_rows() {
    words=$(list_files "$CONFIGURATION" | sed -n 's/^file //p' | while read -r path; do cat "$path"; done)
    ipvsadm --save --numeric | while read -r verb kind service _; do
        [ "$verb" = -A ] || continue
        name=${service%:*} name=${name#'['} name=${name%']'}
        echo "$words" | grep -qwF -e "$name" && ipvsadm --delete-service "$kind" "$service"
    done
}

release_addresses() {
    addresses_here | sed 's/^\([^ ]*\) \(.*\)/address delete \1 dev \2/' | ip -force -batch -
}

# Rows that keepalived adopts are those that it was started with; of others it knows nothing.
release_rows_of_another_configuration() {
    sum=$(list_files "$CONFIGURATION" | sed -n 's/^file //p' | while read -r path; do cat "$path"; done | cksum)
    known=''
    { read -r known <supervise/lone; } 2>/dev/null
    [ "$known" = "$sum" ] && return
    release_rows
    echo "$sum" >supervise/lone
}
