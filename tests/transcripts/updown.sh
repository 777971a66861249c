# Up, down and exit in sequence, of a service that is normally up and of one that is normally down.
service normal
supervised normal
reach normal 'up (pid N) x seconds'
show svc -u normal
reach normal 'up (pid N) x seconds'
show svc -d normal
reach normal 'down x seconds, normally up'
show svc -d normal
reach normal 'down x seconds, normally up'
show svc -u normal
reach normal 'up (pid N) x seconds'
touch normal/down
reach normal 'up (pid N) x seconds, normally down'
show svc -du normal
reach normal 'up (pid N) x seconds, normally down'
show svc -d normal
reach normal 'down x seconds'
rm normal/down
reach normal 'down x seconds, normally up'
show svc -x normal
waituntil ended normal
show svstat normal
service other
touch other/down
supervised other
reach other 'down x seconds'
show svc -u other
reach other 'up (pid N) x seconds, normally down'
show svc -dx other
waituntil ended other
show svstat other
show svok other
