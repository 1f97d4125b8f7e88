"""Lines and areas cut off at the edges of a box: nothing of a figure is drawn outside its axes.

Done here, a page needs no clip paths, whose ids would have to be kept apart.
"""

from collections.abc import Sequence
from itertools import pairwise

Point = tuple[float, float]
Box = tuple[float, float, float, float]  # left, top, right, bottom
ROUNDING = 1e-6  # points: what lies at the very end of an axis is not outside


def within(point: Point, box: Box) -> bool:
    """Return whether a point lies in the box or on its edge."""
    return all(box[axis] - ROUNDING <= point[axis] <= box[axis + 2] + ROUNDING for axis in (0, 1))


def pieces(points: Sequence[Point], box: Box) -> list[list[Point]]:
    """Return those pieces of a line through the points that lie inside the box."""
    found: list[list[Point]] = []
    if len(points) > 1 and _inside(points, box):
        return [list(points)]
    if len(points) == 1 and within(points[0], box):
        return [list(points)]
    for start, end in pairwise(points):
        cut = _cut(start, end, box)
        if cut is None:
            continue
        if found and found[-1][-1] == cut[0]:
            found[-1].append(cut[1])
        else:
            found.append(list(cut))
    return found


def polygon(points: Sequence[Point], box: Box) -> list[Point]:
    """Return the part of a polygon that lies inside the box; nothing where there is none (Sutherland and Hodgman)."""
    found = list(points)
    if _inside(points, box):
        return found
    for axis, edge, sign in ((0, box[0], 1), (1, box[1], 1), (0, box[2], -1), (1, box[3], -1)):
        found = _one_side(found, axis, edge, sign)
    return found


def _inside(points: Sequence[Point], box: Box) -> bool:
    """Return whether all points lie in the box: nearly always, and then there is nothing to cut."""
    left, top, right, bottom = box
    return all(left <= x <= right and top <= y <= bottom for x, y in points)


def _one_side(points: Sequence[Point], axis: int, edge: float, sign: int) -> list[Point]:
    def inside(point: Point) -> bool:
        return sign * (point[axis] - edge) >= 0

    found: list[Point] = []
    for start, end in zip([*points[-1:], *points[:-1]], points, strict=True):
        if inside(start) != inside(end):
            found.append(_along(start, end, (edge - start[axis]) / (end[axis] - start[axis])))
        if inside(end):
            found.append(end)
    return found


def _cut(start: Point, end: Point, box: Box) -> tuple[Point, Point] | None:
    """Return the part of a straight line that lies in the box (Liang and Barsky)."""
    first, last = 0.0, 1.0
    for axis in (0, 1):
        step = end[axis] - start[axis]
        for edge, sign in ((box[axis], 1), (box[axis + 2], -1)):
            room = sign * (start[axis] - edge)  # how far inside of this edge the line starts
            if step == 0:
                if room < 0:
                    return None
            elif sign * step > 0:
                first = max(first, -room / (sign * step))
            else:
                last = min(last, -room / (sign * step))
    if first > last:
        return None
    return (_along(start, end, first) if first else start), (_along(start, end, last) if last < 1 else end)


def _along(start: Point, end: Point, part: float) -> Point:
    return start[0] + part * (end[0] - start[0]), start[1] + part * (end[1] - start[1])
