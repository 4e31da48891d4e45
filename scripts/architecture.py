"""Draws mlsys from its own imports: `docs/images/architecture.svg` and the table of `docs/architecture.md`.

A room is an entry at the top of mlsys/. Its floor is one above the highest room that it imports, so every arrow points
down. Of the arrows only those are drawn that no longer way says already. `make architecture` writes both files;
`check_architecture.py` holds them to the code.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

from check_imports import LAYERS, imports
from findings import EXTENSION_FOLDERS, ROOT, parsed, python_files

SVG = "docs/images/architecture.svg"
PAGE = "docs/architecture.md"
BEGIN, END = "<!-- made by `make architecture`: begin -->\n", "<!-- made by `make architecture`: end -->\n"
WIDTH, ROOM_HEIGHT, FLOOR_HEIGHT, GAP, MARGIN = 900, 26, 64, 28, 30
STYLE = """
.sheet{fill:#fff}.room{fill:#f1f5f9;stroke:#94a3b8}.many{fill:#e0f2fe;stroke:#38bdf8}.arrow{stroke:#94a3b8;fill:none}
text{font:13px system-ui,sans-serif;fill:#0f172a}.floor{font-size:11px;fill:#64748b}
@media(prefers-color-scheme:dark){.sheet{fill:#0f172a}.room{fill:#1e293b;stroke:#64748b}.many{fill:#0c4a6e;stroke:#0ea5e9}
.arrow{stroke:#475569}text{fill:#e2e8f0}.floor{fill:#94a3b8}}
"""


@dataclass(frozen=True)
class Room:
    """An entry at the top of mlsys/: what it says of itself, what it imports, how high it lies."""

    name: str
    about: str
    n_files: int
    n_lines: int
    imports: frozenset[str]


def rooms(root: Path) -> dict[str, Room]:
    """Return the rooms of mlsys/ below `root` by name; `testing` is shipped for tests and left out."""
    files: dict[str, list[tuple[Path, ast.Module]]] = {}
    for path, name in python_files(root, ("mlsys",)):
        room = name.split("/")[1].removesuffix(".py")
        if room not in ("testing", "__init__", "__main__"):
            files.setdefault(room, []).append((path, parsed(path)))
    return {name: _room(name, parts, set(files)) for name, parts in sorted(files.items())}


def floors(found: dict[str, Room]) -> dict[str, int]:
    """Return the floor of each room, counted from 0: a room lies above all that it imports."""

    @cache
    def floor(name: str) -> int:
        return max((floor(below) + 1 for below in found[name].imports), default=0)

    return {name: floor(name) for name in found}


def picture(found: dict[str, Room]) -> str:
    """Return the rooms as an SVG, floor above floor."""
    places, height = _places(floors(found))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        "<title>The rooms of mlsys, each above what it imports</title>",
        f'<style>{STYLE}</style><rect class="sheet" width="{WIDTH}" height="{height}"/>',
    ]
    for name, room in found.items():
        x, y, width = places[name]
        for below in sorted(_direct(found, room)):
            bx, by, below_width = places[below]
            start, end = (x + width / 2, y + ROOM_HEIGHT), (bx + below_width / 2, by)
            bend = (start[1] + end[1]) / 2
            parts.append(
                f'<path class="arrow" d="M{start[0]:.0f} {start[1]}C{start[0]:.0f} {bend:.0f} '
                f'{end[0]:.0f} {bend:.0f} {end[0]:.0f} {end[1]}"/>'
            )
    for name in found:
        x, y, width = places[name]
        kind = "many" if name in EXTENSION_FOLDERS else "room"
        parts.append(f'<rect class="{kind}" x="{x:.0f}" y="{y}" width="{width}" height="{ROOM_HEIGHT}" rx="4"/>')
        parts.append(f'<text x="{x + width / 2:.0f}" y="{y + 17}" text-anchor="middle">{escape(name)}</text>')
    top = max(floors(found).values())
    parts += [
        f'<text class="floor" x="4" y="{MARGIN + (top - number) * FLOOR_HEIGHT + 17}">{number}</text>'
        for number in range(top + 1)
    ]
    return "\n".join([*parts, "</svg>\n"])


def table(found: dict[str, Room]) -> str:
    """Return the rooms as a Markdown table, the highest floor first."""
    height = floors(found)
    rows = ["| Floor | Room | What it is | Files | Lines |", "|---|---|---|---|---|"]
    for name in sorted(found, key=lambda room: (-height[room], room)):
        room = found[name]
        shown = f"**{name}**" if name in EXTENSION_FOLDERS else name
        rows.append(f"| {height[name]} | {shown} | {room.about} | {room.n_files} | {room.n_lines:,} |")
    return "\n".join(rows) + "\n"


def page_with(text: str, found: dict[str, Room]) -> str:
    """Return the page with its table made anew."""
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + table(found) + END + rest.partition(END)[2]


def _room(name: str, parts: list[tuple[Path, ast.Module]], known: set[str]) -> Room:
    reached = {
        module.split(".")[1]
        for _, tree in parts
        for module, _ in imports(tree, everywhere=True)
        if module.startswith("mlsys.")
    }
    (about,) = [tree for path, tree in parts if path.stem in ("__init__", name)][:1]
    said = (ast.get_docstring(about) or "").split("\n")[0].rstrip(".").replace("|", "\\|")
    n_lines = sum(path.read_text(encoding="utf-8").count("\n") for path, _ in parts)
    # Lines in round hundreds: a picture that changes with every line would be made anew in every commit.
    return Room(name, said, len(parts), max(100, round(n_lines, -2)), frozenset(reached & known - {name}))


def _direct(found: dict[str, Room], room: Room) -> set[str]:
    """Return the rooms that this one imports and that no other room it imports leads to."""

    @cache
    def below(name: str) -> frozenset[str]:
        return found[name].imports.union(*(below(other) for other in found[name].imports))

    return {name for name in room.imports if not any(name in below(other) for other in room.imports)}


def _places(height: dict[str, int]) -> tuple[dict[str, tuple[float, int, int]], int]:
    order = {name: (number, place) for number, layer in enumerate(LAYERS) for place, name in enumerate(layer)}
    top = max(height.values())
    places: dict[str, tuple[float, int, int]] = {}
    for number in range(top + 1):
        row = sorted((name for name in height if height[name] == number), key=lambda name: order[name])
        widths = [18 + 8 * len(name) for name in row]
        x = (WIDTH - sum(widths) - GAP * (len(row) - 1)) / 2
        for name, width in zip(row, widths, strict=True):
            places[name] = (x, MARGIN + (top - number) * FLOOR_HEIGHT, width)
            x += width + GAP
    return places, 2 * MARGIN + top * FLOOR_HEIGHT + ROOM_HEIGHT


def main() -> None:
    """Write both files."""
    found = rooms(ROOT)
    (ROOT / SVG).write_text(picture(found), encoding="utf-8")
    page = ROOT / PAGE
    page.write_text(page_with(page.read_text(encoding="utf-8"), found), encoding="utf-8")


if __name__ == "__main__":
    main()
