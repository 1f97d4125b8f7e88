"""Lines and areas at the edge of a box."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overfitlab.report.clipping import pieces, polygon, within

BOX = (0.0, 0.0, 10.0, 5.0)
places = st.tuples(st.floats(-30, 30), st.floats(-30, 30))


def test_a_line_inside_stays_as_it_is():
    line = [(0.0, 0.0), (5.0, 5.0), (10.0, 1.0)]
    assert pieces(line, BOX) == [line]


def test_a_line_that_leaves_and_comes_back_is_two():
    assert pieces([(1.0, 1.0), (3.0, 9.0), (5.0, 1.0)], BOX) == [[(1, 1), (2, 5)], [(4, 5), (5, 1)]]
    assert pieces([(-5.0, 2.0), (15.0, 2.0)], BOX) == [[(0, 2), (10, 2)]]
    assert pieces([(-5.0, 8.0), (15.0, 8.0)], BOX) == []
    assert pieces([(2.0, 2.0)], BOX) == [[(2, 2)]]
    assert pieces([(2.0, 6.0)], BOX) == pieces([], BOX) == []


@given(st.lists(places, min_size=2, max_size=8))
def test_nothing_lies_outside_and_nothing_inside_is_lost(points):
    found = pieces(points, BOX)
    assert all(within(point, BOX) for piece in found for point in piece)
    kept = {point for piece in found for point in piece}
    assert {(x, y) for x, y in points if 0 < x < BOX[2] and 0 < y < BOX[3]} <= kept
    assert all(within(point, BOX) for point in polygon(points, BOX))


def area(points):
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(points, [*points[1:], *points[:1]], strict=True))) / 2


def test_the_part_of_an_area_that_lies_inside():
    assert area(polygon([(-5.0, -5.0), (15.0, -5.0), (15.0, 15.0), (-5.0, 15.0)], BOX)) == pytest.approx(50)
    assert area(polygon([(5.0, -5.0), (15.0, 5.0), (5.0, 15.0)], BOX)) == pytest.approx(25)
    assert polygon([(20.0, 1.0), (30.0, 1.0), (30.0, 3.0)], BOX) == []
    assert polygon([], BOX) == []
