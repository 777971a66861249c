"""What strace has seen."""

from collections import Counter


def calls(trace: str) -> list[tuple[str, int]]:
    """Each system call of a trace: its name, and the how many-th of this name it is."""
    seen: Counter[str] = Counter()
    found = []
    for line in trace.splitlines():
        name = line.split("(")[0]
        if name.isidentifier():
            seen[name] += 1
            found.append((name, seen[name]))
    return found
