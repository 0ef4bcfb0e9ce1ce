"""Charts as SVG, drawn on the server: geometry in whole units of a view box, colours and sizes by the style sheet.

Every chart has a title, a sentence that says what it shows, and the same figures as a table below it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WIDTH, HEIGHT = 560, 250
LEFT, RIGHT, TOP, BOTTOM = 58, 8, 14, 30
"""Room for the axis, and for the names below."""
STEPS = (1, 2, 5)
TICKS = 4
LEAST = 2
"""What is little is still seen."""
DOT = 4


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a column, or a point of a line: its value, its style, and what it says when pointed at."""

    value: int
    tone: str
    said: str


@dataclass(frozen=True, slots=True)
class Column:
    """One place on the axis, with parts that stand on each other, or beside each other."""

    name: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """A rectangle or a dot."""

    x: int
    y: int
    width: int
    height: int
    tone: str
    said: str


@dataclass(frozen=True, slots=True)
class Label:
    """A text at a place; ``tone`` is its style."""

    x: int
    y: int
    words: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Path:
    """A line through points, and the area below it."""

    line: str
    area: str
    tone: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart ready to be written as SVG."""

    key: str
    title: str
    description: str
    shapes: tuple[Shape, ...]
    grid: tuple[Label, ...]
    names: tuple[Label, ...]
    paths: tuple[Path, ...] = ()
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    floor: int = HEIGHT - BOTTOM


def top_of(most: int) -> tuple[int, int]:
    """The top of an axis that holds ``most``, and the step between its lines: 1, 2 or 5 times a power of ten."""
    step, power = 1, 1
    while True:
        for factor in STEPS:
            step = factor * power
            if step * TICKS >= most:
                return step * -(-most // step) if most else step * TICKS, step
        power *= 10


def draw_columns(
    key: str,
    title: str,
    description: str,
    columns: Sequence[Column],
    say: Callable[[int], str],
    *,
    beside: bool = False,
    every: int = 1,
) -> Drawing:
    """Columns whose parts stand on each other, or ``beside`` each other; one in ``every`` has its name below."""
    most = max((max if beside else sum)([part.value for part in each.parts] or [0]) for each in columns)
    top, step = top_of(most)
    slot = (WIDTH - LEFT - RIGHT) // len(columns)
    gap = max(slot // 5, 2)
    shapes: list[Shape] = []
    for place, column in enumerate(columns):
        x, width = LEFT + place * slot + gap // 2, slot - gap
        if beside:
            shapes += _beside(column, x, width, top)
        else:
            shapes += _stacked(column, x, width, top)
    names = tuple(
        Label(LEFT + place * slot + slot // 2, HEIGHT - BOTTOM + 20, each.name, _shown(place // every, len(columns)))
        for place, each in enumerate(columns)
        if place % every == 0
    )
    return Drawing(key, title, description, tuple(shapes), _grid(top, step, say), names)


def draw_lines(
    key: str,
    title: str,
    description: str,
    names: Sequence[str],
    lines: Sequence[Sequence[Part | None]],
    *,
    say: Callable[[int], str],
) -> Drawing:
    """Lines through values; where one is not known the line ends and begins again."""
    top, step = top_of(max((part.value for line in lines for part in line if part), default=0))
    room = (WIDTH - LEFT - RIGHT - 2 * DOT) // max(len(names) - 1, 1)
    shapes: list[Shape] = []
    paths: list[Path] = []
    for line in lines:
        points = [
            (LEFT + DOT + place * room, _y(part.value, top), part) if part else None for place, part in enumerate(line)
        ]
        paths += _paths(points)
        shapes += [Shape(each[0], each[1], DOT, DOT, each[2].tone, each[2].said) for each in points if each]
    labels = tuple(
        Label(LEFT + DOT + place * room, HEIGHT - BOTTOM + 20, name, _shown(place, len(names)))
        for place, name in enumerate(names)
    )
    return Drawing(key, title, description, tuple(shapes), _grid(top, step, say), labels, tuple(paths))


def _stacked(column: Column, x: int, width: int, top: int) -> list[Shape]:
    found, floor = [], HEIGHT - BOTTOM
    for part in column.parts:
        if part.value > 0:
            height = max(_height(part.value, top), LEAST)
            floor -= height
            found.append(Shape(x, floor, width, height, part.tone, part.said))
    return found


def _beside(column: Column, x: int, width: int, top: int) -> list[Shape]:
    each_width = width // len(column.parts)
    found = []
    for place, part in enumerate(column.parts):
        height = max(_height(part.value, top), LEAST)
        found.append(
            Shape(x + place * each_width, HEIGHT - BOTTOM - height, each_width - 2, height, part.tone, part.said)
        )
    return found


def _paths(points: Sequence[tuple[int, int, Part] | None]) -> list[Path]:
    runs: list[list[tuple[int, int, Part]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    found = []
    for run in (each for each in runs if len(each) > 1):
        line = " L".join(f"{x} {y}" for x, y, _ in run)
        floor = HEIGHT - BOTTOM
        found.append(Path(f"M{line}", f"M{run[0][0]} {floor} L{line} L{run[-1][0]} {floor} Z", run[0][2].tone))
    return found


def _grid(top: int, step: int, say: Callable[[int], str]) -> tuple[Label, ...]:
    return tuple(Label(LEFT - 8, _y(value, top), say(value)) for value in range(0, top + 1, step))


def _height(value: int, top: int) -> int:
    return max(value, 0) * (HEIGHT - TOP - BOTTOM) // top


def _y(value: int, top: int) -> int:
    return HEIGHT - BOTTOM - _height(value, top)


def _shown(place: int, count: int) -> str:
    """Names that a phone has no room for are shown on wide screens alone: every second."""
    return "spare" if count > 6 and place % 2 else ""  # noqa: PLR2004 -- what a phone shows side by side
