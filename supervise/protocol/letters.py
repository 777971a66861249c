"""The control letters: one byte each, written to `supervise/control`.

Those of daemontools 0.76, and `q 1 2 w` as daemontools-encore has them.
"""

UP, ONCE, EXIT = "u", "o", "x"

ALL = frozenset("udoxpchiqk12atw")
