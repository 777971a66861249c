# Each letter that is a signal reaches the service, once, in the order in which they were asked for.
# Not tested: q, 1, 2 and w, which 0.76 does not have.
mkdir ear
cat >ear/run <<'RUN'
#!/bin/sh
trap 'echo HUP >>heard.txt' HUP
trap 'echo ALRM >>heard.txt' ALRM
trap 'echo INT >>heard.txt' INT
trap 'echo TERM >>heard.txt' TERM
: >listening
while :; do sleep 0.05; done
RUN
chmod +x ear/run
: >ear/heard.txt
heard() {
  test "$(wc -l <ear/heard.txt)" -ge "$1"
}
supervised ear
waituntil test -e ear/listening
show svc -h ear
waituntil heard 1
show svc -a ear
waituntil heard 2
show svc -i ear
waituntil heard 3
show svc -t ear
waituntil heard 4
show svc -hh -h ear ear
waituntil heard 5
show cat ear/heard.txt
pid=$(pid_of ear)
show svc -k ear
waituntil another ear "$pid"
reach ear 'up (pid N) x seconds'
