"""Brings the front-end libraries that the pages use: pinned npm packages, checked against their hashes.

`tools/vendor.py` fetches every package of `cloud/konsento/web/static/vendor/vendored.json` with `npm pack`, refuses one
whose hash is not the recorded one, and lays the files named there, and what is made of them, into that folder.
`--renew` records the hashes instead, after a version was changed by hand.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parents[1] / "cloud/konsento/web/static/vendor"
MANIFEST: Final = FOLDER / "vendored.json"
CELL: Final = 30
"""Degrees of longitude and of latitude that one of the finer files of the basemap covers."""
FAR_DEGREES: Final = 0.2
NEAR_DEGREES: Final = 0.01
"""How far the outlines may be from those of the data: 1 km. The data itself is made for 1 : 50 million."""
DIGITS: Final = 2

type Point = tuple[float, float]
type Line = list[Point]


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--renew", action="store_true", help="record the hashes of what was fetched")
    renew = arguments.parse_args().renew
    manifest = json.loads(MANIFEST.read_text())
    files: dict[str, str] = {}
    for package in manifest["packages"]:
        with tempfile.TemporaryDirectory() as folder:
            archive = fetched(package, Path(folder), renew=renew)
            made = {into: member(archive, name) for name, into in package["files"].items()}
            if recipe := package.get("basemap"):
                far, near = (json.loads(member(archive, recipe[name])) for name in ("far", "near"))
                made |= basemap(far, near, recipe["into"])
        for into, content in made.items():
            path = FOLDER / into
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            files[into] = digest(content)
    if not renew and files != manifest["files"]:
        sys.exit("vendor: what was made is not what the manifest records; look at it, then use --renew")
    manifest["files"] = files
    MANIFEST.write_text(json.dumps(manifest, indent=2) + "\n")
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file() and path != MANIFEST and str(path.relative_to(FOLDER)) not in files:
            path.unlink()


def fetched(package: dict[str, Any], folder: Path, *, renew: bool) -> Path:
    """Fetch a package's archive. Ends the program where its hash is not the recorded one."""
    name = f"{package['name']}@{package['version']}"
    subprocess.run(["npm", "pack", "--silent", name], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (archive,) = folder.iterdir()
    found = digest(archive.read_bytes())
    if renew:
        package["sha256"] = found
    elif found != package["sha256"]:
        sys.exit(f"vendor: {name} has sha256 {found}, not {package['sha256']}")
    return archive


def member(archive: Path, name: str) -> bytes:
    """Return a file of an npm archive."""
    with tarfile.open(archive) as content:
        file = content.extractfile(f"package/{name}")
        assert file is not None, name  # noqa: S101  # only folders have none
        return file.read()


def digest(content: bytes) -> str:
    """Return a SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def basemap(far: dict[str, Any], near: dict[str, Any], into: str) -> dict[str, bytes]:
    """Return land and the borders on it as GeoJSON: one file of the world, and finer ones of every 30 degrees of it.

    The file of the world names the others in `cells`, each with a part of its hash. From TopoJSON topologies with the
    objects `countries` and `land`, whose arcs are delta-encoded integers.
    """
    cells: dict[str, bytes] = {}
    polygons, borders = outlines(near, NEAR_DEGREES)
    for x in range(-180, 180, CELL):
        for y in range(-90, 90, CELL):
            # A little more than the cell, so that no seam is seen between two.
            box = (x - 0.1, y - 0.1, x + CELL + 0.1, y + CELL + 0.1)
            land = [rings for polygon in polygons if (rings := [r for ring in polygon if (r := clipped(ring, box))])]
            lines = [line for line in borders if _touches(line, box)]
            if land:
                cells[f"{x}_{y}"] = geojson(land, lines)
    names = {name: digest(content)[:12] for name, content in cells.items()}
    world = geojson(*outlines(far, FAR_DEGREES), cells=names)
    return {f"{into}/world.geojson": world} | {f"{into}/{name}.geojson": content for name, content in cells.items()}


def outlines(topology: dict[str, Any], degrees: float) -> tuple[list[list[Line]], list[Line]]:
    """Return the polygons of all land, each a list of rings, and the borders between countries, no finer than given."""
    arcs = [_decoded(arc, topology["transform"]) for arc in topology["arcs"]]
    (land,) = topology["objects"]["land"]["geometries"]
    polygons = [[_thinned(_ring(ring, arcs), degrees) for ring in polygon] for polygon in land["arcs"]]
    seen: Counter[int] = Counter()
    for country in topology["objects"]["countries"]["geometries"]:
        rings = country.get("arcs", [])
        for ring in rings if country["type"] == "Polygon" else (ring for polygon in rings for ring in polygon):
            seen.update({index if index >= 0 else ~index for index in ring})
    # An arc of two countries lies between them.
    borders = [_thinned(arcs[index], degrees) for index, count in sorted(seen.items()) if count > 1]
    # A ring needs three corners and its first again (RFC 7946, 3.1.6); smaller islands are left out.
    return (
        [kept for polygon in polygons if (kept := [ring for ring in polygon if len(ring) > 3])],
        [line for line in borders if len(line) > 1],
    )


def geojson(land: list[list[Line]], borders: list[Line], **more: object) -> bytes:
    """Return both as a FeatureCollection of two."""
    features = [_feature("MultiPolygon", land, kind="land"), _feature("MultiLineString", borders, kind="border")]
    return json.dumps({"type": "FeatureCollection", **more, "features": features}, separators=(",", ":")).encode()


def clipped(ring: Line, box: tuple[float, float, float, float]) -> Line:
    """Return the part of a ring inside a box (Sutherland, Hodgman); empty where there is none."""
    west, south, east, north = box
    for axis, edge, sign in ((0, west, 1), (0, east, -1), (1, south, 1), (1, north, -1)):
        inside = [sign * (point[axis] - edge) >= 0 for point in ring]
        kept: Line = []
        for i, point in enumerate(ring):
            if inside[i] != inside[i - 1]:
                (x1, y1), (x2, y2) = ring[i - 1], point
                share = (edge - ring[i - 1][axis]) / (point[axis] - ring[i - 1][axis])
                kept.append((round(x1 + share * (x2 - x1), DIGITS), round(y1 + share * (y2 - y1), DIGITS)))
            if inside[i]:
                kept.append(point)
        ring = kept
        if len(ring) < 3:
            return []
    return ring if ring[0] == ring[-1] else [*ring, ring[0]]


def _touches(line: Line, box: tuple[float, float, float, float]) -> bool:
    west, south, east, north = box
    xs, ys = [x for x, _ in line], [y for _, y in line]
    return max(xs) >= west and min(xs) <= east and max(ys) >= south and min(ys) <= north


def _feature(geometry: str, coordinates: object, *, kind: str) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {"kind": kind},
        "geometry": {"type": geometry, "coordinates": coordinates},
    }


def _decoded(arc: list[list[int]], transform: dict[str, list[float]]) -> Line:
    (scale_x, scale_y), (move_x, move_y) = transform["scale"], transform["translate"]
    x = y = 0
    points: Line = []
    for dx, dy in arc:
        x, y = x + dx, y + dy
        points.append((x * scale_x + move_x, y * scale_y + move_y))
    return points


def _ring(indexes: list[int], arcs: list[Line]) -> Line:
    points: Line = []
    for index in indexes:
        # The complement of an index is the arc walked backwards; each begins where the last one ended.
        points += (arcs[index] if index >= 0 else arcs[~index][::-1])[1 if points else 0 :]
    return points


def _thinned(line: Line, degrees: float) -> Line:
    """Leave out what is no farther than `degrees` from the line through the rest (Ramer, Douglas, Peucker)."""
    keep = {0, len(line) - 1}
    if line[0] == line[-1]:
        # A ring begins and ends at one point; the farthest from it is the other anchor.
        keep.add(max(range(len(line)), key=lambda i: abs(line[i][0] - line[0][0]) + abs(line[i][1] - line[0][1])))
    anchors = sorted(keep)
    open_spans = list(pairwise(anchors))
    while open_spans:
        begin, end = open_spans.pop()
        if end - begin < 2:
            continue
        far = max(range(begin + 1, end), key=lambda i: _distance(line[i], line[begin], line[end]))
        if _distance(line[far], line[begin], line[end]) > degrees:
            keep.add(far)
            open_spans += [(begin, far), (far, end)]
    rounded: Line = []
    for index in sorted(keep):
        point = (round(line[index][0], DIGITS), round(line[index][1], DIGITS))
        if not rounded or point != rounded[-1]:
            rounded.append(point)
    return rounded


def _distance(point: Point, begin: Point, end: Point) -> float:
    (x, y), (x1, y1), (x2, y2) = point, begin, end
    length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
    if length == 0:
        return float(((x - x1) ** 2 + (y - y1) ** 2) ** 0.5)
    return float(abs((x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)) / length)


if __name__ == "__main__":
    main()
