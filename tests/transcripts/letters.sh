# Letters are sent in order of first appearance, all in one write, each once: read here from the FIFO
# itself, with no supervisor.
# Not tested: q, 1, 2 and w, which 0.76 does not have.
mkdir -p bare/supervise
mkfifo bare/supervise/control
exec 3<>bare/supervise/control
received() {
  svc "$@" bare
  echo >bare/supervise/control
  read -r line <&3
  echo "svc $*: $line"
}
received -u
received -du
received -ud
received -d -u
received -dudu -u
received -t -- 
received -udopchaitkx
received -kxtiahcpodu
received
exec 3>&-
rm -r bare
