# A service that does not end when it is told to: it stays up and is wanted down.
mkdir stubborn
cat >stubborn/run <<'RUN'
#!/bin/sh
trap '' TERM
: >deaf
while :; do sleep 0.1; done
RUN
chmod +x stubborn/run
supervised stubborn
waituntil test -e stubborn/deaf
show svc -d stubborn
reach stubborn 'up (pid N) x seconds, want down'
show svc -u stubborn
reach stubborn 'up (pid N) x seconds'
show svc -o stubborn
reach stubborn 'up (pid N) x seconds'
show svc -d stubborn
reach stubborn 'up (pid N) x seconds, want down'
show svc -x stubborn
reach stubborn 'up (pid N) x seconds, want down'
show svc -k stubborn
waituntil ended stubborn
show svstat stubborn
