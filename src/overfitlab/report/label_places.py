"""Where the names of dots stand: each beside its own dot, on nothing that it would hide, and nearer to no other one.

All is in points, with y growing downwards, as layouts have it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, hypot, pi, sin

from overfitlab.report.clipping import Box, Point

# radians: right, left, above, below first, and what lies between them
DIRECTIONS = (0.0, pi, 1.5 * pi, 0.5 * pi, 1.75 * pi, 0.25 * pi, 1.25 * pi, 0.75 * pi,
              *(step * pi / 8 for step in (1, 3, 5, 7, 9, 11, 13, 15)))  # fmt: skip
DISTANCES = (0.0, 6.0, 12.0, 20.0, 30.0, 42.0, 56.0, 72.0)
BESIDE = 2.5  # between a dot and a name that stands beside it
AIR = 1.0  # around what a name must not touch
HIDDEN, CROSSED = 10_000.0, 300.0  # what faults cost: a name on a name or a dot, a leader that meets one
ON_A_LINE, WITH_A_LEADER, ELSEWHERE = 15.0, 25.0, 60.0
STEP = 9.0  # of the places that are tried where there is none around a dot
CROWDED = 40.0  # dots that are nearer to each other are named first


@dataclass(frozen=True)
class Place:
    """The middle of a name, and the line that leads to its dot: None where it stands beside it."""

    x: float
    y: float
    leader: tuple[Point, Point] | None


@dataclass(frozen=True)
class Around:
    """A dot, and what its name must not hide: other dots of that radius, names, and lines."""

    dot: Point
    others: Sequence[Point]
    radius: float
    names: Sequence[Box]
    lines: Sequence[tuple[Point, Point]]

    def best(self, size: tuple[float, float], room: Box) -> tuple[Box, Place]:
        """Return the box of a name of that size, and its place."""
        near = [
            (_box(self.dot, self.radius, size, direction, distance), distance + 0.5 * rank, distance > 0)
            for distance in DISTANCES
            for rank, direction in enumerate(DIRECTIONS)
        ]
        seen = [self._seen(*each) for each in near if _inside(each[0], room)]
        if min((cost for cost, _, _ in seen), default=HIDDEN) >= HIDDEN:
            seen += [self._seen(box, _distance(self.dot, box), True) for box in _everywhere(size, room)]
        _, box, place = min(seen, key=lambda each: each[0])
        return box, place

    def _seen(self, box: Box, far: float, led: bool) -> tuple[float, Box, Place]:
        leader = _leader(self.dot, box, self.radius) if led else None
        return far + self._faults(box, leader), box, Place((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, leader)

    def _faults(self, box: Box, leader: tuple[Point, Point] | None) -> float:
        """Return what a place costs: for all that it hides, and where another dot is nearer to it than its own."""
        cost = HIDDEN * sum(_distance(dot, box) < self.radius + AIR for dot in (*self.others, self.dot))
        cost += HIDDEN * sum(_overlap(box, name) for name in self.names)
        cost += ON_A_LINE * sum(_crosses(line, box) for line in self.lines)
        own = _distance(self.dot, box) + self.radius
        cost += ELSEWHERE * any(_distance(dot, box) < own for dot in self.others)
        if leader is not None:
            cost += CROSSED * sum(_from_line(dot, leader) < self.radius for dot in self.others)
            cost += CROSSED * sum(_crosses(leader, name) for name in self.names)
            cost += WITH_A_LEADER
        return cost


def placed(
    dots: Sequence[Point],
    radius: float,
    sizes: Sequence[tuple[float, float]],
    lines: Sequence[tuple[Point, Point]],
    room: Box,
) -> list[Place]:
    """Return a place for the name of each dot, whose width and height `sizes` has, within the room.

    Of all places around a dot the one is taken that hides least and is nearest; names never lie on dots or on each
    other unless there is no room at all.
    """

    def crowd(number: int) -> int:
        return -sum(hypot(x - dots[number][0], y - dots[number][1]) < CROWDED for x, y in dots)

    found: dict[int, tuple[Box, Place]] = {}
    for number in sorted(range(len(dots)), key=crowd):
        lying = [*lines, *(place.leader for _, place in found.values() if place.leader)]
        others = [dot for other, dot in enumerate(dots) if other != number]
        around = Around(dots[number], others, radius, [box for box, _ in found.values()], lying)
        found[number] = around.best(sizes[number], room)
    return [found[number][1] for number in range(len(dots))]


def _box(dot: Point, radius: float, size: tuple[float, float], direction: float, distance: float) -> Box:
    """Return the box of a name in that direction of a dot, so far away from the place beside it."""
    wide, high = size
    x = dot[0] + cos(direction) * (wide / 2 + radius + BESIDE + distance)
    y = dot[1] + sin(direction) * (high / 2 + radius + BESIDE + distance)
    return x - wide / 2, y - high / 2, x + wide / 2, y + high / 2


def _everywhere(size: tuple[float, float], room: Box) -> Iterator[Box]:
    """Yield boxes all over the room, at least one."""
    wide, high = size
    across = max(int((room[2] - room[0] - wide) / STEP), 0)
    down = max(int((room[3] - room[1] - high) / STEP), 0)
    for column in range(across + 1):
        for row in range(down + 1):
            left, top = room[0] + column * STEP, room[1] + row * STEP
            yield left, top, left + wide, top + high


def _inside(box: Box, room: Box) -> bool:
    return box[0] >= room[0] and box[1] >= room[1] and box[2] <= room[2] and box[3] <= room[3]


def _leader(dot: Point, box: Box, radius: float) -> tuple[Point, Point]:
    """Return the shortest line from the edge of a dot to a box."""
    end = min(max(dot[0], box[0]), box[2]), min(max(dot[1], box[1]), box[3])
    far = hypot(end[0] - dot[0], end[1] - dot[1]) or 1.0
    part = min(radius / far, 1.0)
    return (dot[0] + part * (end[0] - dot[0]), dot[1] + part * (end[1] - dot[1])), end


def _distance(point: Point, box: Box) -> float:
    across = max(box[0] - point[0], 0.0, point[0] - box[2])
    down = max(box[1] - point[1], 0.0, point[1] - box[3])
    return hypot(across, down)


def _overlap(one: Box, other: Box) -> bool:
    return (one[0] - AIR < other[2] and other[0] - AIR < one[2] and one[1] - AIR < other[3]
            and other[1] - AIR < one[3])  # fmt: skip


def _crosses(line: tuple[Point, Point], box: Box) -> bool:
    """Return whether a line lies on a box: it is looked at every few points."""
    (left, top), (right, bottom) = line
    steps = max(2, int(hypot(right - left, bottom - top) / 3))
    return any(
        _distance((left + step / steps * (right - left), top + step / steps * (bottom - top)), box) == 0.0
        for step in range(steps + 1)
    )


def _from_line(point: Point, line: tuple[Point, Point]) -> float:
    (left, top), (right, bottom) = line
    along, down = right - left, bottom - top
    length = along * along + down * down
    part = 0.0 if not length else ((point[0] - left) * along + (point[1] - top) * down) / length
    part = min(max(part, 0.0), 1.0)
    return hypot(point[0] - left - part * along, point[1] - top - part * down)
