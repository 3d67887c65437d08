"""Places on the Earth, in degrees of WGS 84."""

from math import asin, cos, radians, sin, sqrt
from typing import Final, NamedTuple

EARTH_RADIUS_M: Final = 6_371_009
"""Mean radius (IUGG)."""


class Point(NamedTuple):
    """One place."""

    latitude: float
    longitude: float


class Box(NamedTuple):
    """A part of the map. One over the 180th meridian has its east west of its west."""

    south: float
    west: float
    north: float
    east: float


def distance_m(a: Point, b: Point) -> int:
    """Return the great-circle distance in m (haversine; at most 0.6 % from that on the ellipsoid)."""
    north, east = radians(b.latitude - a.latitude), radians(b.longitude - a.longitude)
    half = sin(north / 2) ** 2 + cos(radians(a.latitude)) * cos(radians(b.latitude)) * sin(east / 2) ** 2
    return round(2 * EARTH_RADIUS_M * asin(sqrt(min(1, half))))
