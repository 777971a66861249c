# The clients on directories of all kinds: missing, never supervised, no longer, and supervised.
mkdir never odd odd/supervise
: >file
ln -s circle circle
service was
service is
touch was/down is/down
supervised was
supervised is
svc -x was
waituntil ended was
for client in svok svstat "svc -c"; do
  for directory in nothing never file circle was is odd '' is/ ./is/../is; do
    show $client "$directory"
  done
done
show svstat nothing is never was is
show svc -c nothing is never was
show svok was is
show svok is was
for broken in ok status; do
  : >odd/supervise/$broken
  show svstat odd
  show svok odd
done
rm odd/supervise/ok
mkfifo odd/supervise/ok odd/supervise/control
show svstat odd
show svok odd
show svc -u odd
ln -s down odd/down
show svstat odd
ln -sf nowhere is/down
show svstat is
# Left so that nobody takes it for a service.
rm -r odd
