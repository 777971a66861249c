# What the programs say to a wrong call, or to one with nothing to do.
# Not tested: a working directory that cannot be opened (0.76 exits 111 then, ours works on), and
# the long options, which are ours.
show svc
show svc -u
show svc --
show svc -z
show svc -uz nothing
show svc -du- nothing
show svc - 
show svc -u -- -d
show svc nothing -u
show svstat
show svstat -u
show svstat --
show svok
show svok -u
show svok --
show supervise
show supervise one two
show supervise nothing
show svscan nothing
