# A service that ends is started again, whatever its exit code, and never given up.
mkdir counts
cat >counts/run <<'RUN'
#!/bin/sh
echo started >>starts.txt
test "$(wc -l <starts.txt)" -lt 3 || exec sleep 600
exit "$(wc -l <starts.txt)"
RUN
chmod +x counts/run
: >counts/starts.txt
supervised counts
reached() {
  test "$(wc -l <counts/starts.txt)" = 3
}
waituntil reached
reach counts 'up (pid N) x seconds'
show cat counts/starts.txt
