"""The control letters: one byte each, written to `supervise/control`.

Those of daemontools 0.76, and `q 1 2 w` as daemontools-encore has them.
"""

UP, DOWN, ONCE, EXIT, PAUSE, CONTINUE = "u", "d", "o", "x", "p", "c"

# Signal numbers are written out because importing `signal` costs a client 6 ms.
SIGNALS = {
    "h": 1,  # HUP
    "i": 2,  # INT
    "q": 3,  # QUIT
    "k": 9,  # KILL
    "1": 10,  # USR1
    "2": 12,  # USR2
    "a": 14,  # ALRM
    "t": 15,  # TERM
    "w": 28,  # WINCH
}

ALL = frozenset("udoxpc") | frozenset(SIGNALS)
