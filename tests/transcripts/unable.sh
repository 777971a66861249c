# A run that is missing, cannot be executed, or is no program: supervise says so, and goes on.
# The line comes from the forked child in 0.76, again each second. What ours adds in parentheses is
# cut off, and so is what it says about when it tries again.
mkdir missing plain
: >plain/run
said() {
  grep -q "unable to start $1/run" supervise.txt
}
for name in missing plain; do
  supervised $name
  waituntil said $name
  show svok $name
  show svc -d $name
  reach $name 'down x seconds, normally up'
done
grep 'unable to start' supervise.txt | sed -e 's/ (.*//' -e 's/;.*//' | sort -u
service missing
show svc -u missing
reach missing 'up (pid N) x seconds'
