# Several directories in one call: each gets its letters, each its line, in the order given.
for name in a b c; do
  service $name
  touch $name/down
  supervised $name
done
show svstat c a b a
show svc -u a b nothing c
for name in a b c; do reach $name 'up (pid N) x seconds, normally down'; done
show svstat a b c
show svc -d a -u c
for name in a c; do reach $name 'down x seconds'; done
show svstat a b c
