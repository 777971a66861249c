"""What the kernel itself says of a director: its addresses and its IPVS table."""

import subprocess
from pathlib import Path

from acceptance.inside.namespaces import OWN, namespace


def output_of(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout


def holds(address: str, name: str = OWN) -> bool:
    """Is the address one of that namespace's own?"""
    with namespace(name):
        routes = Path("/proc/thread-self/net/fib_trie").read_text()
    _, _, found = routes.partition(f"-- {address}\n")
    return "LOCAL" in found.partition("--")[0]


def weights(name: str = OWN) -> dict[str, int]:
    """The weight of each real server in the IPVS table, by its address and port."""
    with namespace(name):
        table = output_of("ipvsadm", "-Ln")
    rows = (line.split() for line in table.splitlines() if line.startswith("  -> "))
    return {row[1]: int(row[3]) for row in rows if row[3].isdigit()}
