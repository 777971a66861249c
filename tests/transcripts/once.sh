# Once: started, and not again. Then a letter that only wants it to be over.
mkdir brief
cat >brief/run <<'RUN'
#!/bin/sh
echo started >>starts.txt
read -r line <go
RUN
chmod +x brief/run
mkfifo brief/go
touch brief/down
supervised brief
reach brief 'down x seconds'
show svc -o brief
reach brief 'up (pid N) x seconds, normally down'
echo now >brief/go
reach brief 'down x seconds'
show svc -o brief
reach brief 'up (pid N) x seconds, normally down'
show svc -d brief
reach brief 'down x seconds'
show svc -u brief
reach brief 'up (pid N) x seconds, normally down'
show svc -o brief
show svc -t brief
reach brief 'down x seconds'
show cat brief/starts.txt
show svc -ox brief
reach brief 'up (pid N) x seconds, normally down'
show svok brief
echo now >brief/go
waituntil ended brief
