# Names with a space, a tab, a star, a leading dash, and bytes that are no UTF-8.
tab=$(printf 'a\tb')
bytes=$(printf 'caf\351')
for name in 'two words' "$tab" '*' ./-dash "$bytes"; do
  service "$name"
  touch "$name/down"
  supervised "$name"
  show svstat "$name"
  show svc -u "$name"
  reach "$name" 'up (pid N) x seconds, normally down'
  show svok "$name"
done
show svstat 'two words' "$tab" '*' ./-dash "$bytes"
