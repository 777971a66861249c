# Helpers of the scenarios, each of which is read by sh after this in an empty directory. All that a
# scenario prints is its transcript. Waiting is asking again until a deadline, never a fixed sleep.

started=

fail() {
  echo "FAILED: $*"
  exit 1
}

# waituntil COMMAND...: ask again until the command says yes.
waituntil() {
  tries=0
  until "$@"; do
    tries=$((tries + 1))
    test $tries -lt 400 || fail "in vain: $*"
    sleep 0.05
  done
}

filter_svstat() {
  sed -e 's/ [0-9]* seconds/ x seconds/' -e 's/(pid [0-9]*)/(pid N)/'
}

# show COMMAND...: the call, what it prints to which descriptor, and its exit code.
show() {
  echo "$ $*"
  code=0
  "$@" >out.txt 2>err.txt || code=$?
  filter_svstat <out.txt
  sed 's/^/2> /' err.txt
  test $code = 0 || echo "exit $code"
}

is() {
  test "$(svstat "$1" | filter_svstat)" = "$1: $2"
}

# reach DIR LINE: wait until svstat says so.
reach() {
  tries=0
  until is "$1" "$2"; do
    tries=$((tries + 1))
    test $tries -lt 400 || fail "wanted $1: $2; found $(svstat "$1")"
    sleep 0.05
  done
  echo "$1: $2"
}

waitok() {
  waituntil svok "$1"
}

# service DIR: one that sleeps.
service() {
  mkdir -p "$1"
  printf '#!/bin/sh\nexec sleep 600\n' >"$1/run"
  chmod +x "$1/run"
}

# supervised DIR: start supervise, and wait until it answers. A shell starts what it does not wait for
# with INT ignored, which 0.76 hands on to the service.
supervised() {
  env --default-signal=INT supervise "$1" 2>>supervise.txt &
  started="$started $!"
  waitok "$1"
}

ended() {
  ! svok "$1"
}

pid_of() {
  svstat "$1" | sed -n 's/.*(pid \([0-9]*\)).*/\1/p'
}

# another DIR PID: whether an instance runs that is not this one.
another() {
  now=$(pid_of "$1")
  test -n "$now" && test "$now" != "$2"
}

# Take down all service directories below, however deep, and what this shell started.
clean() {
  trap - EXIT
  for pid in $scanner; do
    kill "$pid"
    { wait "$pid" || true; } 2>/dev/null
  done
  find . -name control -type p | sed 's,/supervise/control$,,' >left.txt
  while read -r directory; do
    svc -dxck "$directory" 2>>supervise.txt
  done <left.txt
  for pid in $started; do
    wait "$pid" || true
  done
}

scanner=
trap clean EXIT
