# A second supervise on the same directory gives up, and the first goes on.
service mine
supervised mine
reach mine 'up (pid N) x seconds'
show supervise mine
reach mine 'up (pid N) x seconds'
