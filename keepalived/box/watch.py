"""Run svscan as pid 1 of the box, show that keepalived holds the virtual address, end it all.

Everything in the box lives in the pid namespace of that svscan: it gets TERM first and takes its
services down; when it has ended, by itself or by force, the kernel leaves nothing alive in there.
Should this program be killed, svscan is killed with it.
"""

import signal

if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
    # Nothing runs yet: until there are handlers, Ctrl-C ends us without a word, as it ends a shell.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import os
import shutil
import socket
import subprocess
import sys
import time
from select import select

SERVICE = "services/keepalived"
INTERFACE = "bond0.2"
VIRTUAL_ADDRESS = "192.168.0.151"
SECONDS_TO_COME_UP = 20
SECONDS_TO_GO_DOWN = 30  # svscan gives keepalived 20, then kills it
NETLINK_IPV4_ADDRESSES = 0x10


def say(text: str) -> None:
    try:
        print(text, flush=True)
    except OSError:  # the terminal is gone; its HUP ends us
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def output_of(*command: str) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout.strip()


def virtual_address() -> str:
    """The line of `ip` that shows it, or nothing."""
    return output_of("ip", "-oneline", "address", "show", "dev", INTERFACE, "to", VIRTUAL_ADDRESS)


def listen(family: int, kind: int, address: object) -> socket.socket:
    sock = socket.socket(family, kind)
    sock.bind(address)  # type: ignore[arg-type]
    sock.setblocking(False)
    return sock


def pass_on(log: socket.socket) -> None:
    """Print what was logged, without the priority and the time in front."""
    try:
        while True:
            line = log.recv(8192).decode(errors="replace").strip("\0\n")
            say("  " + line.partition(">")[2][len("Nov 25 15:11:07 ") :])
    except BlockingIOError:
        pass


def drain(sock: socket.socket) -> None:
    try:
        while sock.recv(65536):
            pass
    except OSError:  # nothing more, or overrun
        pass


def main() -> int:
    woken, wake = socket.socketpair()
    woken.setblocking(False)
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: None)

    log = listen(socket.AF_UNIX, socket.SOCK_DGRAM, "/dev/log")
    addresses = listen(socket.AF_NETLINK, socket.SOCK_RAW, (0, NETLINK_IPV4_ADDRESSES))

    # In a session of its own, so that Ctrl-C comes to us and not to everybody at once. TERM waits,
    # blocked, until svscan can serve it: the kernel keeps from a pid 1 what it has no handler for.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    svscan = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount-proc", "svscan", "services"],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    ended = os.pidfd_open(svscan.pid)
    sources: list[socket.socket | int] = [woken, log, addresses, ended]
    inside = f"{shutil.which('svstat')} {os.path.abspath(SERVICE)}"
    say(f"To look inside: nsenter -t {svscan.pid} -m -n -p {inside}")

    shown = failed = ending = False
    deadline: float | None = time.monotonic() + SECONDS_TO_COME_UP
    while True:
        timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready, _, _ = select(sources, [], [], timeout)
        if log in ready:
            pass_on(log)
        if ended in ready:
            break
        if addresses in ready:
            drain(addresses)
            if not shown and not ending and (line := virtual_address()):
                shown, deadline = True, None
                say(output_of("svstat", SERVICE))
                say(line)
                say(f"keepalived is up and holds {VIRTUAL_ADDRESS}. Ctrl-C ends it.")
        if woken in ready:
            drain(woken)
            svscan.terminate()  # asked again, it tells whom it waits for
            if not ending:
                ending, deadline = True, time.monotonic() + SECONDS_TO_GO_DOWN
                say("Taking everything down ...")
        elif not ready and ending:
            svscan.kill()
            deadline = None
        elif not ready:
            say(output_of("svstat", SERVICE))
            say(f"keepalived does not hold {VIRTUAL_ADDRESS} after {SECONDS_TO_COME_UP} s")
            failed = ending = True
            deadline = time.monotonic() + SECONDS_TO_GO_DOWN
            svscan.terminate()

    status = svscan.wait()
    if not ending:
        say(f"svscan ended by itself, exit {status}")
        return 1
    say("All is down." if status == 0 else f"svscan did not end cleanly ({status}); all is down.")
    return 1 if failed or status else 0


sys.exit(main())
