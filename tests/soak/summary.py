"""What all lanes have done together."""

from collections import Counter
from typing import Any

from tests.soak.stepping import INNER, VISIBLE, Step
from tests.soak.steps import Progress

Told = list[dict[str, Any]]


def tell(told: Told) -> None:
    """:param told: of each lane, as `Lane.told`."""
    counts: Counter[str] = Counter()
    for one in told:
        counts.update(one["counts"])
    print("soak: " + ", ".join(f"{count} {what}" for what, count in counts.items()))
    steps = {name: _of_way(told, name) for name in sorted(told[0]["ways"])} if told else {}
    for name, found in steps.items():
        print(f"soak: {name}: {_killed(found) if found['gone'] else 'not gone yet'}")
    total: Counter[str] = Counter()
    for found in steps.values():
        total.update(found)
    print(f"soak: {total['gone']} of {len(steps)} ways: {_killed(total)}", flush=True)


def _of_way(told: Told, name: str) -> Counter[str]:
    """How many steps there are and how many of them were made, of each kind.

    Not each lane sees the same calls, and a busy machine makes a way longer. So there are as many
    visible ones as the lane that saw the fewest has counted; those made beyond are counted apart.
    """
    ways = [Progress(*one["ways"][name]) for one in told]
    gone = [way.counted for way in ways if way.counted]
    made = {Step(*words) for way in ways for words in way.made}
    found: Counter[str] = Counter(gone=bool(gone))
    for key in {key for counted in gone for key in counted}:
        thread, kind = key.split()
        least = min(counted.get(key, 0) for counted in gone)
        done = [step.number for step in made if step[:2] == (thread, kind)]
        found[kind] += least
        found[f"{kind} made"] += sum(number <= least for number in done)
        found[f"{kind} more"] += sum(number > least for number in done)
    found["sparse"] = sum(way.chosen.get(INNER, 0) for way in ways)
    return found


def _killed(found: Counter[str]) -> str:
    inner = found[f"{INNER} made"] + found[f"{INNER} more"]
    return (
        f"killed before {found[f'{VISIBLE} made']} of {found[VISIBLE]} visible calls, and"
        f" {found[f'{VISIBLE} more']} that do not always come; before {inner} of"
        f" {found['sparse']} chosen out of {found[INNER]} inner calls"
    )
