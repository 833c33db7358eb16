"""The journeys as a picture, drawn from the same data that the machine runs: SVG and Mermaid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from ussd_app.flow.check import targets
from ussd_app.flow.model import End, Entry, Flow, Listing, Menu, PinEntry, Screen

Journeys = Mapping[str, Sequence[str]]
"""The names of each journey's screens, the way they stand in its file."""

_COLOURS = {
    "menu": ("#dbeafe", "#1d4ed8"),
    "entry": ("#dcfce7", "#15803d"),
    "PIN": ("#fee2e2", "#b91c1c"),
    "notice": ("#f3f4f6", "#4b5563"),
    "end": ("#1f2937", "#111827"),
}
_BOX_WIDTH, _BOX_HEIGHT = 230, 58
_GAP_X, _GAP_Y = 90, 18
_MARGIN, _HEAD = 24, 34
_WORDS_MAX = 34


def kind_of(screen: Screen) -> str:
    """Return the word for a kind of screen, as the picture's legend has it."""
    match screen:
        case Menu():
            return "menu"
        case Entry():
            return "entry"
        case PinEntry():
            return "PIN"
        case End():
            return "end"
        case _:
            return "notice"


def mermaid(flow: Flow, journeys: Journeys) -> str:
    """Return a Mermaid flow chart with one box of screens a journey."""
    lines = ["flowchart LR"]
    for journey, names in journeys.items():
        lines.append(f"  subgraph {journey}")
        lines += [f'    {name}["{name}<br/>{_words(flow.screens[name])}"]' for name in names]
        lines.append("  end")
    for screen in flow.screens.values():
        for target, words in _arrows(screen):
            lines.append(f'  {screen.name} -->|"{escape(words)}"| {target}')
    return "\n".join(lines) + "\n"


def _arrows(screen: Screen) -> list[tuple[str, str]]:
    """Return each way out once; several words for the same way are joined."""
    ways: dict[str, list[str]] = {}
    for target, words in targets(screen):
        if target != screen.name:
            ways.setdefault(target, []).append(words.split(": ")[-1])
    return [(target, ", ".join(dict.fromkeys(words))) for target, words in ways.items()]


def _words(screen: Screen) -> str:
    words = " ".join(screen.text.en.split())
    shown = words if len(words) <= _WORDS_MAX else f"{words[: _WORDS_MAX - 3]}..."
    return escape(shown)


@dataclass(frozen=True, slots=True)
class _Place:
    left: int
    top: int


def svg(flow: Flow, journeys: Journeys) -> str:
    """Return the picture: a band for each journey, its screens from left to right."""
    places: dict[str, _Place] = {}
    bands: list[str] = []
    top = _MARGIN + _HEAD
    width = 0
    for journey, names in journeys.items():
        columns = _columns(flow, names)
        rows = max(len(column) for column in columns)
        height = _HEAD + rows * (_BOX_HEIGHT + _GAP_Y) + _GAP_Y
        for number, column in enumerate(columns):
            for row, name in enumerate(column):
                left = _MARGIN * 2 + number * (_BOX_WIDTH + _GAP_X)
                places[name] = _Place(left, top + _HEAD + row * (_BOX_HEIGHT + _GAP_Y))
                width = max(width, left + _BOX_WIDTH + _GAP_X + _MARGIN * 4)
        bands.append(f'<text class="band" x="{_MARGIN}" y="{top + 18}">{escape(journey)}</text>')
        bands.append(f'<line class="rule" x1="{_MARGIN}" y1="{top - 6}" x2="100%" y2="{top - 6}"/>')
        top += height
    arrows = [
        part for screen in flow.screens.values() for part in _svg_arrows(screen, places, journeys)
    ]
    boxes = [_svg_box(flow.screens[name], place) for name, place in places.items()]
    return "\n".join([_svg_head(width, top), *bands, *arrows, *boxes, "</svg>", ""])


def _columns(flow: Flow, names: Sequence[str]) -> list[list[str]]:
    """Return a journey's screens by their distance from where it is entered."""
    inner = {
        name: [target for target, _ in _arrows(flow.screens[name]) if target in names]
        for name in names
    }
    led_to = {target for ways in inner.values() for target in ways}
    depth = {name: 0 for name in names if name not in led_to} or {names[0]: 0}
    queue = list(depth)
    while queue:
        name = queue.pop(0)
        for target in inner[name]:
            if target not in depth:
                depth[target] = depth[name] + 1
                queue.append(target)
    columns: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for name in names:
        columns[depth.get(name, 0)].append(name)
    return columns


def _svg_box(screen: Screen, place: _Place) -> str:
    kind = kind_of(screen)
    fill, line = _COLOURS[kind]
    ink = "#ffffff" if kind == "end" else "#111827"
    paged = " (98 More)" if isinstance(screen, Listing) else ""
    return (
        f'<g><rect x="{place.left}" y="{place.top}" width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}"'
        f' rx="8" fill="{fill}" stroke="{line}"/>'
        f'<text class="name" x="{place.left + 12}" y="{place.top + 23}" fill="{ink}">'
        f"{screen.name}{paged}</text>"
        f'<text class="words" x="{place.left + 12}" y="{place.top + 43}" fill="{ink}">'
        f"{_words(screen)}</text></g>"
    )


def _svg_arrows(screen: Screen, places: Mapping[str, _Place], journeys: Journeys) -> list[str]:
    """Draw the ways inside a journey as lines, the ways out of it as words below the box."""
    home = next(names for names in journeys.values() if screen.name in names)
    start = places[screen.name]
    right, middle = start.left + _BOX_WIDTH, start.top + _BOX_HEIGHT // 2
    parts, outside = [], []
    for target, _words_of_way in _arrows(screen):
        if target not in home:
            outside.append(target)
            continue
        end = places[target]
        y = end.top + _BOX_HEIGHT // 2
        if end.left > start.left:
            bend = (right + end.left) // 2
            path = f"M{right} {middle} C{bend} {middle} {bend} {y} {end.left} {y}"
        else:
            x = end.left + _BOX_WIDTH // 2
            low = end.top + _BOX_HEIGHT
            path = f"M{right} {middle} C{right + 60} {middle} {x} {low + 30} {x} {low}"
        parts.append(f'<path class="way" d="{path}"/>')
    if outside:
        parts.append(
            f'<text class="out" x="{start.left + 12}" y="{start.top + _BOX_HEIGHT + 13}">'
            f"&#8594; {', '.join(outside)}</text>"
        )
    return parts


def _svg_head(width: int, height: int) -> str:
    legend = []
    left = _MARGIN
    for word, (fill, line) in _COLOURS.items():
        legend.append(
            f'<rect x="{left}" y="{_MARGIN - 10}" width="16" height="16" rx="4" fill="{fill}"'
            f' stroke="{line}"/><text class="words" x="{left + 22}" y="{_MARGIN + 3}"'
            f' fill="#111827">{word}</text>'
        )
        left += 90
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
            f' width="{width}" height="{height}">',
            "<style>text{font-family:sans-serif}.name{font-size:14px;font-weight:600}"
            ".words{font-size:12px}.band{font-size:16px;font-weight:700;fill:#111827}"
            ".out{font-size:11px;fill:#6b7280}.rule{stroke:#e5e7eb}"
            ".way{fill:none;stroke:#6b7280;stroke-width:1.4;marker-end:url(#tip)}</style>",
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7"'
            ' markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#6b7280"/>'
            "</marker></defs>",
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
            *legend,
        ]
    )
