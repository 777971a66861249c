# svscan starts what it finds, with loggers, and leaves dots, files and broken links alone. A service
# whose link is removed stays until it is told to end.
mkdir scan real
for name in plain 'two words' .hidden; do service "scan/$name"; done
service real/linked
ln -s ../real/linked scan/linked
: >scan/file
ln -s nowhere scan/broken
mkdir -p scan/logged/log
cat >scan/logged/run <<'RUN'
#!/bin/sh
echo one
echo two
exec sleep 600
RUN
printf '#!/bin/sh\nexec cat >>log.txt\n' >scan/logged/log/run
chmod +x scan/logged/run scan/logged/log/run
: >scan/logged/log/log.txt
svscan scan 2>svscan.txt &
scanner=$!
for name in plain 'two words' linked logged logged/log; do
  waitok "scan/$name"
  reach "scan/$name" 'up (pid N) x seconds'
done
show svok scan/.hidden
show svok scan/file
show svok scan/broken
reached() {
  test "$(wc -l <scan/logged/log/log.txt)" = 2
}
waituntil reached
show cat scan/logged/log/log.txt
rm scan/linked
show svc -t real/linked
reach real/linked 'up (pid N) x seconds'
show svc -dx real/linked
waituntil ended real/linked
show svstat real/linked
service scan/late
waitok scan/late
reach scan/late 'up (pid N) x seconds'
