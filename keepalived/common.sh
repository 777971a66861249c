# What run, start-check and finish share: the settings in env/, the words to complain with, the configuration files, the
# pid files. Read by `.`; only functions and the search path. What can be asked of the shell itself costs no process:
# every restart waits for these programs.

# A supervisor that was started at boot may have neither in its PATH.
PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin

newline='
'

say() { echo "keepalived/${0##*/}: $*" >&2; }

# As envdir reads it: the first line without the blanks at its end; empty is unset.
read_settings() {
    CONFIGURATION='' KEEPALIVED='' OPTIONS='' VRRP_ALONE='' TEST_CONFIGURATION='' LONE_DIRECTOR=''
    for file in env/*; do
        [ -e "$file" ] || continue
        value=''
        { [ -f "$file" ] && [ -r "$file" ] && { read -r value <"$file" || :; }; } ||
            say "warning: $file: unable to read, ignored"
        case $file in
        env/CONFIGURATION) CONFIGURATION=$value ;;
        env/KEEPALIVED) KEEPALIVED=$value ;;
        env/OPTIONS) OPTIONS=$value ;;
        env/VRRP_ALONE) VRRP_ALONE=$value ;;
        env/TEST_CONFIGURATION) TEST_CONFIGURATION=$value ;;
        env/LONE_DIRECTOR) LONE_DIRECTOR=$value ;;
        *) say "warning: $file: no such setting, ignored" ;;
        esac
    done
    : "${CONFIGURATION:=/etc/keepalived/keepalived.conf}" "${KEEPALIVED:=keepalived}"
    yes_or_no VRRP_ALONE "$VRRP_ALONE" no
    yes_or_no TEST_CONFIGURATION "$TEST_CONFIGURATION" yes
    yes_or_no LONE_DIRECTOR "$LONE_DIRECTOR" no
}

# yes_or_no NAME VALUE DEFAULT: sets NAME to yes or no.
yes_or_no() {
    case $2 in
    yes | no) ;;
    '') eval "$1=$3" ;;
    *)
        say "warning: env/$1: '$2' is neither yes nor no, taken as $3"
        eval "$1=$3"
        ;;
    esac
}

# The two that must be there. Stops at the first that is not.
require_files() {
    command -v "$KEEPALIVED" >/dev/null ||
        fail "$KEEPALIVED: not found: install keepalived, or name it in env/KEEPALIVED"
    case $CONFIGURATION in
    *[*?[{]*) fail "env/CONFIGURATION: $CONFIGURATION: keepalived takes one of *?[{ for a pattern" ;;
    esac
    [ -r "$CONFIGURATION" ] && [ ! -d "$CONFIGURATION" ] ||
        fail "$CONFIGURATION: unable to read: write it, or name the configuration in env/CONFIGURATION"
}

# What `keepalived --version` said, as a number, or empty: version_of TEXT
version_of() {
    version=''
    case $1 in
    *'Keepalived v'[0-9]*)
        version=${1#*Keepalived v}
        version=${version%%[!0-9.]*}
        ;;
    esac
}

# Does this version run both when given --check --vrrp? After 1.2.19, to 1.4.5, the last one wins, and from 2.0.0 on
# each clears the other and nothing runs. Given neither, every version runs both.
knows_the_pair() {
    case $version in
    1.2.[1-9] | 1.2.1[0-9]) ;;
    *) return 1 ;;
    esac
}

# Sets `subsystems`, the words that make this version run health checks and VRRP. Those that know the pair have a health
# checker even where there is nothing to check, and without IPVS it would be started and die hundreds of times a second.
choose_subsystems() {
    subsystems=''
    if [ "$VRRP_ALONE" = yes ]; then
        subsystems=--vrrp
    elif knows_the_pair; then
        if have_ipvs; then subsystems='--check --vrrp'; else subsystems=--vrrp; fi
    fi
}

# Sets `path`.
absolute() { case $1 in /*) path=$1 ;; *) path=$PWD/$1 ;; esac; }

# One line each for FILE and every file that it includes: `file PATH`, or `missing PATH: includes NAME`; and for every
# `include` a `path NAME`, as it was written: a pattern may come to find more. A pattern may find none, and what @ limits
# to one host may be missing. A name may have blanks, and is meant from the directory of the file that has it.
list_files() (
    absolute "$1"
    including=$path depth=${2:-0} IFS=$newline
    [ "$depth" -lt 10 ] && cd "${path%/*}/" || exit 0 # a file that includes itself
    echo "file $path"
    names_included "$path" | while read -r name; do
        may_miss=${name%%[!@]*} name=${name#@}
        case $name in *[*?[{]*) may_miss=yes ;; esac
        each_of_braces "$name" | while read -r name; do
            absolute "$name"
            echo "path $path"
            for found in $name; do
                if [ -f "$found" ] && [ -r "$found" ]; then
                    list_files "$found" $((depth + 1))
                elif [ -z "$may_miss" ]; then
                    echo "missing $including: includes $found"
                fi
            done
        done
    done
)

# A line each, with a @ before those that @ limits to one host.
names_included() {
    sed -n 's/^[[:blank:]]*@[^[:blank:]]*[[:blank:]]*/@/
        s/^[[:blank:]]*\(@\{0,1\}\)include[a-z]*[[:blank:]]\{1,\}\([^!#]*[^!#[:blank:]]\).*/\1\2/p' "$1"
}

# a{b,c} is ab and ac, a line each. The innermost braces go first.
each_of_braces() (
    case $1 in *{*}*) ;; *) echo "$1" && exit ;; esac
    before=${1%\{*} inner=${1##*\{}
    after=${inner#*\}} inner=${inner%%\}*},
    while [ -n "$inner" ]; do
        each_of_braces "$before${inner%%,*}$after"
        inner=${inner#*,}
    done
)

# Is there a line that begins a block of this kind? Comments start with ! or #, so they never match; @name before a
# keyword limits it to one host. has_block KEYWORD FILE...
has_block() {
    block=$1
    shift
    grep -Eqs "^[[:blank:]]*(@[^[:blank:]]+[[:blank:]]+)?($block)([[:blank:]{]|\$)" "$@"
}

have_ipvs() { [ -e /proc/net/ip_vs ] || { modprobe ip_vs 2>/dev/null; [ -e /proc/net/ip_vs ]; }; }

# keepalived with virtual servers and no IPVS would end at once, taking VRRP down with it.
require_ipvs() {
    [ ! -e /proc/net/ip_vs ] && [ "$VRRP_ALONE" = no ] || return 0
    list_files "$CONFIGURATION" | while read -r kind path; do
        [ "$kind" != file ] || ! has_block 'virtual_server|virtual_server_group' "$path" || exit 1
    done || have_ipvs || fail "$CONFIGURATION has virtual servers and this kernel has no IPVS:" \
        "use a kernel with ip_vs, or write yes into env/VRRP_ALONE"
}

# Sets `apart`: OPTIONS as keepalived takes them, each with its value in one word and by its letter: -dp /run/k is
# -d -p/run/k, as is --dump-conf --pid=/run/k; and `wants`, the last one where its value is missing.
take_options_apart() {
    apart='' wants=''
    set -f # words, not patterns
    for word in $OPTIONS; do
        [ -z "$wants" ] || { apart="$apart $wants$word" wants=''; continue; }
        case $word in
        --*) by_letter "$word" ;;
        -*) take_letters_apart "${word#-}" ;;
        esac
    done
    set +f
}

LONG_OPTIONS='all-config:e bfd_pid:b check:C checkers_pid:c config-id:i config-test:t core-dump-pattern:M genhash:T help:h
    log-facility:S namespace:s pid:p snmp-agent-socket:A umask:u use-file:f version:v vrrp:P vrrp_pid:r'

by_letter() {
    value=${1#"${1%%=*}"}
    for known in $LONG_OPTIONS; do
        [ "--${known%:*}" != "${1%%=*}" ] || { take_letters_apart "${known#*:}${value#=}" && return; }
    done
    apart="$apart $1"
}

take_letters_apart() {
    letters=$1
    while [ -n "$letters" ]; do
        rest=${letters#?}
        letter=${letters%"$rest"}
        case $letter,$rest in
        [ASbcfiprsu],) wants=-$letter ;;
        [AMSbcfgiprstu],*) apart="$apart -$letters" && return ;;
        *) apart="$apart -$letter" ;;
        esac
        letters=$rest
    done
}

# Sets `pid_files`, the names that keepalived gives them, OPTIONS taken into account. /run/keepalived/ is that of newer
# versions.
name_pid_files() {
    keepalived='' vrrp='' checkers='' bfd=''
    take_options_apart
    set -f
    for word in $apart; do
        case $word in
        -p*) keepalived=${word#-p} ;;
        -r*) vrrp=${word#-r} ;;
        -c*) checkers=${word#-c} ;;
        -b*) bfd=${word#-b} ;;
        esac
    done
    set +f
    pid_files="$keepalived $vrrp $checkers $bfd"
    for directory in /run /run/keepalived /var/run; do
        [ "$directory" != /var/run ] || [ ! /var/run -ef /run ] || continue
        for role in "keepalived:$keepalived" "vrrp:$vrrp" "checkers:$checkers" "bfd:$bfd"; do
            [ -n "${role#*:}" ] || pid_files="$pid_files $directory/${role%%:*}.pid"
        done
    done
}

# Whether a living keepalived has this pid. Its program may have been replaced by an upgrade meanwhile.
is_keepalived() {
    program=$(readlink "/proc/$1/exe") || return 1
    program=${program%' (deleted)'}
    [ "${program##*/}" = keepalived ] || [ "/proc/$1/exe" -ef "$(command -v "$KEEPALIVED")" ]
}

# Whether it works here, as every instance does. The children of 1.2.19 go to /: they have their parent here, or, where
# it was killed, the command line that `run` gave it.
works_here() {
    [ ! "/proc/$1/cwd" -ef . ] || return 0
    [ "/proc/$1/cwd" -ef / ] || return 1
    parent=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null)
    ! is_keepalived "$parent" || [ ! "/proc/$parent/cwd" -ef . ] || return 0
    case $(tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline") in
    "$KEEPALIVED -n -S 1 -f $CONFIGURATION "*) ;;
    *) return 1 ;;
    esac
}

# Whether this keepalived was started by the supervisor of this directory: it works here, and has the mark that the
# supervisor gives. (A supervisor that gives us none gives it none.)
is_ours() {
    works_here "$1" || return 1
    [ -z "$SUPERVISE_NONCE" ] || grep -qz '^SUPERVISE_NONCE=' "/proc/$1/environ" 2>/dev/null
}

# How somebody else's keepalived is told of: with its systemd unit, where it has one.
describe_stranger() {
    unit=''
    while read -r line; do
        case $line in *.service) unit=${line##*/} ;; esac
    done 2>/dev/null <"/proc/$1/cgroup"
    own=$(cat /proc/self/cgroup 2>/dev/null)
    case $own in *"/$unit"*) unit='' ;; esac
    if [ -n "$unit" ]; then
        echo "$unit is active (keepalived, pid $1): systemctl disable --now $unit"
    else
        echo "another keepalived runs (pid $1, named in $2) and is not of this service: end it"
    fi
}

# look_at_pid_files OURS STALE: for each pid file calls OURS PID FILE, where it names a keepalived of this service, or
# STALE FILE, where keepalived would take what it names for another keepalived. Stops where it names somebody else's.
# The number of a process that has ended does no harm.
look_at_pid_files() {
    name_pid_files
    for file in $pid_files; do
        [ -f "$file" ] || continue
        pid=''
        { read -r pid <"$file" || :; } 2>/dev/null
        pid=${pid%%[!0-9]*}
        if [ -n "$pid" ] && [ ! -e "/proc/$pid" ]; then
            continue
        elif [ -z "$pid" ] || ! is_keepalived "$pid"; then
            "$2" "$file"
        elif is_ours "$pid"; then
            "$1" "$pid" "$file"
        else
            fail "$(describe_stranger "$pid" "$file")"
        fi
    done
}

# What start-check found out, as it stands in supervise/checked: sets `version`, `paths` and `seen`, a line each,
# `interfaces`, `addresses`, and `earlier`: the addresses of what was checked before, since keepalived was started.
read_checked() {
    version='' paths='' seen='' interfaces='' addresses='' earlier=''
    [ -s supervise/checked ] || return 1
    while read -r kind name; do
        case $kind in
        version) version=$name ;;
        path) paths=$paths$name$newline ;;
        seen) seen=$seen$name$newline ;;
        interface) interfaces="$interfaces $name" ;;
        address) addresses="$addresses $name" ;;
        earlier) earlier="$earlier $name" ;;
        esac
    done <supervise/checked
    [ supervise/checked -nt supervise/started ] || earlier=''
}
