# The pipe between a service and its logger outlives both: nothing is lost when either is started
# again.
mkdir -p scan/pair/log
cat >scan/pair/run <<'RUN'
#!/bin/sh
echo started
exec 3<>lines
while read -r line <&3; do echo "$line"; done
RUN
printf '#!/bin/sh\nwhile read -r line; do echo "$line" >>log.txt; done\n' >scan/pair/log/run
chmod +x scan/pair/run scan/pair/log/run
mkfifo scan/pair/lines
: >scan/pair/log/log.txt
logged() {
  grep -q "$1" scan/pair/log/log.txt
}
svscan scan 2>svscan.txt &
scanner=$!
waitok scan/pair
waitok scan/pair/log
waituntil logged started
echo first >scan/pair/lines
waituntil logged first
show svc -d scan/pair/log
reach scan/pair/log 'down x seconds, normally up'
echo second >scan/pair/lines
show svc -u scan/pair/log
waituntil logged second
pid=$(pid_of scan/pair/log)
show svc -k scan/pair/log
waituntil another scan/pair/log "$pid"
echo third >scan/pair/lines
waituntil logged third
show svc -d scan/pair
reach scan/pair 'down x seconds, normally up'
reach scan/pair/log 'up (pid N) x seconds'
show cat scan/pair/log/log.txt
