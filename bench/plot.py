"""The table as a picture: one line a row, each peer's place on it how many times ours it takes."""

import math
from xml.sax.saxutils import escape

from bench.goals import ROWS, Medians
from bench.peers import OURS

COLOURS = {
    OURS: "#111111",
    "daemontools": "#d1495b",
    "runit": "#2e86ab",
    "s6": "#3a9d5d",
    "Supervisor": "#e0a030",
}
LEFT, WIDTH, LINE, TOP = 230, 520, 26, 64
MOST = 1e4  # what lies beyond is drawn at the edge


def svg(medians: dict[str, Medians]) -> str:
    """Of the rows in which ours and another were measured, and neither is zero."""
    rows = [(row.id, middle) for row in ROWS if _comparable(middle := medians.get(row.id, {}))]
    height = TOP + LINE * len(rows) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 30}" height="{height}"'
        ' font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        *_legend(),
        *_scale(height),
    ]
    for number, (name, middle) in enumerate(rows):
        parts += _row(TOP + LINE * number + LINE // 2, name, middle)
    return "\n".join([*parts, "</svg>", ""])


def _comparable(middle: Medians) -> bool:
    return bool(middle.get(OURS)) and any(middle[name] for name in COLOURS if name in middle)


def _x(ratio: float) -> float:
    """Logarithmic, ours in the middle."""
    bounded = min(max(ratio, 1 / MOST), MOST)
    return LEFT + WIDTH * (math.log10(bounded) / math.log10(MOST) + 1) / 2


def _legend() -> list[str]:
    parts: list[str] = []
    for number, (name, colour) in enumerate(COLOURS.items()):
        x = LEFT + number * 105
        parts.append(f'<circle cx="{x}" cy="16" r="5" fill="{colour}"/>')
        parts.append(f'<text x="{x + 9}" y="20">{escape(name)}</text>')
    return parts


def _scale(height: int) -> list[str]:
    parts: list[str] = []
    for power in range(-4, 5):
        x = _x(10.0**power)
        label = "1" if power == 0 else f"1/{10**-power}" if power < 0 else f"{10**power}"
        parts.append(f'<path d="M{x:.0f} {TOP - 8}V{height - 8}" stroke="#dddddd"/>')
        parts.append(f'<text x="{x:.0f}" y="{TOP - 14}" text-anchor="middle">{label}</text>')
    return parts


def _row(y: int, name: str, middle: Medians) -> list[str]:
    parts = [f'<text x="{LEFT - 20}" y="{y + 4}" text-anchor="end">{escape(name)}</text>']
    for peer, colour in COLOURS.items():
        if middle.get(peer):
            x = _x(middle[peer] / middle[OURS])
            parts.append(f'<circle cx="{x:.1f}" cy="{y}" r="5" fill="{colour}" opacity="0.85"/>')
    return parts
