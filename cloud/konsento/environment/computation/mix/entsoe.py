"""Generation per type of the European transparency platform (ENTSO-E, document A75, GL_MarketDocument)."""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final
from xml.etree import ElementTree as ET

from konsento.environment.computation.mix.slots import STORED, Mix, Reading, joined
from konsento.environment.computation.reading import LARGEST_FILE, BadFileError, Told

_TYPES: Final = {
    "B01": "biomass", "B02": "coal", "B03": "other", "B04": "gas", "B05": "coal", "B06": "oil", "B07": "oil",
    "B08": "coal", "B09": "geothermal", "B10": STORED, "B11": "hydro", "B12": "hydro", "B13": "hydro",
    "B14": "nuclear", "B15": "other", "B16": "solar", "B17": "other", "B18": "wind", "B19": "wind", "B20": "other",
    "B25": STORED,
}  # fmt: skip
"""psrType. Peat and lignite count as coal, oil shale as oil, waste and gas made of coal as other."""
_STEPS: Final = {
    "PT15M": timedelta(minutes=15), "PT30M": timedelta(minutes=30), "PT60M": timedelta(hours=1),
    "PT1H": timedelta(hours=1),
}  # fmt: skip
_NAMESPACE: Final = re.compile(r"\{.*\}")
_ACTUAL_GENERATION: Final = "A75"
_VARIABLE_BLOCKS: Final = "A03"
"""Curve whose points stand until the next one."""
_MOST_POINTS: Final = 200_000

type _Points = dict[datetime, dict[str, Decimal]]


def read(raw: bytes) -> Mix:
    """Return the mix of a document. Raises BadFileError for another document."""
    root = _parsed(raw)
    kind = _text(root, "type")
    if kind != _ACTUAL_GENERATION:
        raise BadFileError(1, f"this is a document {kind or 'without a type'}; the fuel mix is {_ACTUAL_GENERATION}")
    told: list[Told] = []
    step, points, types = _points(root, told)
    if step is None:
        raise BadFileError(1, "there is no generation in the document")
    readings = []
    for start in sorted(points):
        lacking = types - set(points[start])
        if lacking:
            detail = f"{start.isoformat()}: no value of {', '.join(sorted(lacking))}"
            told.append(Told(row=0, reason="Incomplete", detail=detail, refused=True))
            continue
        by_source: dict[str, Decimal] = defaultdict(Decimal)
        for code, value in points[start].items():
            by_source[_TYPES[code]] += max(value, Decimal(0))
        readings.append(Reading(row=0, start=start, megawatts=dict(by_source)))
    told.append(Told(row=0, reason="NoImports", detail="the document has no imports: the mix is of generation alone"))
    return Mix(slots=joined(readings, step, told), told=told)


def _parsed(raw: bytes) -> ET.Element:
    if len(raw) > LARGEST_FILE or b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        raise BadFileError(1, "the document is too large or has a document type, which none of these has")
    try:
        root = ET.fromstring(raw)  # noqa: S314  # without a document type there is nothing to expand
    except ET.ParseError as error:
        raise BadFileError(error.position[0], f"this is no XML: {error}") from error
    if _NAMESPACE.sub("", root.tag) != "GL_MarketDocument":
        raise BadFileError(1, f"the document is a {_NAMESPACE.sub('', root.tag)}, not a GL_MarketDocument")
    for element in root.iter():
        element.tag = _NAMESPACE.sub("", element.tag)
    return root


def _points(root: ET.Element, told: list[Told]) -> tuple[timedelta | None, _Points, set[str]]:
    points: _Points = defaultdict(dict)
    steps = set()
    types = set()
    for number, series in enumerate(root.iter("TimeSeries"), start=1):
        code = _text(series, "MktPSRType/psrType")
        unit = _text(series, "quantity_Measure_Unit.name")
        if _text(series, "outBiddingZone_Domain.mRID"):
            continue  # what pumps and auxiliaries take
        if code not in _TYPES or unit != "MAW":
            detail = f"time series {number}: type {code!r} in {unit!r} is not known"
            raise BadFileError(0, detail)
        types.add(code)
        for period in series.iter("Period"):
            step = _STEPS.get(_text(period, "resolution"))
            if step is None:
                raise BadFileError(0, f"time series {number}: the resolution {_text(period, 'resolution')} is not read")
            steps.add(step)
            for at, value in _values(period, step, number, carried=_text(series, "curveType") == _VARIABLE_BLOCKS):
                if points[at].get(code, value) != value:
                    told.append(Told(row=0, reason="Reissued", detail=f"{at.isoformat()} {code}: the later counts"))
                points[at][code] = value
    if len(steps) > 1:
        raise BadFileError(0, "the document mixes resolutions")
    return (steps.pop() if steps else None), points, types


def _values(period: ET.Element, step: timedelta, series: int, *, carried: bool) -> Iterator[tuple[datetime, Decimal]]:
    start, end = (_moment(_text(period, f"timeInterval/{which}")) for which in ("start", "end"))
    count = (end - start) // step
    if not 0 < count <= _MOST_POINTS:
        raise BadFileError(0, f"time series {series}: a period from {start.isoformat()} to {end.isoformat()}")
    given: dict[int, Decimal] = {}
    for point in period.iter("Point"):
        try:
            position, value = int(_text(point, "position")), Decimal(_text(point, "quantity"))
        except (ValueError, InvalidOperation) as error:
            raise BadFileError(0, f"time series {series}: a point without position or quantity") from error
        if not 1 <= position <= count:
            raise BadFileError(0, f"time series {series}: position {position} of {count}")
        given[position] = value
    latest: Decimal | None = None
    for position in range(1, count + 1):
        value_here = given.get(position)
        latest = value_here if value_here is not None else latest if carried else None
        if latest is not None:
            yield start + (position - 1) * step, latest


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as error:
        raise BadFileError(0, f"{text!r} is no time") from error


def _text(element: ET.Element, path: str) -> str:
    return (element.findtext(path) or "").strip()
