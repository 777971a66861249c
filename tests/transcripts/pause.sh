# Paused and continued; a paused service that is told to go down is continued for that.
service still
supervised still
reach still 'up (pid N) x seconds'
show svc -p still
reach still 'up (pid N) x seconds, paused'
show svc -p still
show svc -c still
reach still 'up (pid N) x seconds'
show svc -p still
reach still 'up (pid N) x seconds, paused'
show svc -d still
reach still 'down x seconds, normally up'
show svc -p still
show svc -u still
reach still 'up (pid N) x seconds'
show svc -p still
reach still 'up (pid N) x seconds, paused'
pid=$(pid_of still)
show svc -k still
waituntil another still "$pid"
reach still 'up (pid N) x seconds'
