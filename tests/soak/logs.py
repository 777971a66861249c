"""That each line of each instance is in the log exactly once, and in order."""

from pathlib import Path

from tests.soak.world import World
from tests.support.scan import eventually


def check(world: World, name: str) -> None:
    """:raises AssertionError: naming the instance and the line."""
    directory = world.scan.services / name
    before = acknowledged(directory)
    if world.complete(name):
        eventually(lambda: _arrived(directory, before), lambda: f"the log of {name}: {before}")
    begun = [int(words[1]) for words in lives(directory) if words[0] == "start"]
    assert begun == sorted(begun), f"{name}: instances out of order"
    reached: dict[int, int] = {}
    last = 0
    log = directory / "log.out"
    for line in (log.read_text() if log.exists() else "").split("\n")[:-1]:
        one, _, rest = line.partition(" ")
        number = int(one)
        assert number >= last, f"{name}: a line of {number} after one of {last}"
        last = number
        count = int(rest.split()[0])
        gap = not world.complete(name) and count > reached.get(number, 0)
        next_one = count == reached.get(number, 0) + 1
        assert next_one or gap, f"{name}: {count} after {reached.get(number)} of {number}"
        reached[number] = count
    for number, count in before.items():
        got = reached.get(number, 0)
        all_of_it = [(one, before.get(one), reached.get(one)) for one in begun]
        whole = got >= count or not world.complete(name)
        assert whole, f"{name}: {number} wrote {count} lines, {got} were logged: {all_of_it}"


def lives(directory: Path) -> list[list[str]]:
    path = directory / "lives"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def acknowledged(directory: Path) -> dict[int, int]:
    """How many lines each instance knows to have written. One killed just then wrote one more."""
    return {
        int(path.name): int.from_bytes(path.read_bytes(), "little")
        for path in (directory / "acks").iterdir()
    }


def _arrived(directory: Path, before: dict[int, int]) -> bool:
    """Whether the last line of the latest that wrote is there."""
    written = {number: count for number, count in before.items() if count}
    if not written:
        return True
    latest = max(written)
    try:
        end = (directory / "log.out").read_bytes()[-20000:]
    except OSError:
        return False
    counts = [
        int(line.split()[1]) for line in end.split(b"\n")[1:-1] if line.startswith(b"%d " % latest)
    ]
    return bool(counts) and max(counts) >= written[latest]
