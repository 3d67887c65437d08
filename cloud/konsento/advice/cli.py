"""`konsento advice`: what a file about the grid says, and which windows would be found in it. Needs no database."""

import json
import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, available_timezones

import typer

from konsento.grid import readers
from konsento.grid.areas import AREAS
from konsento.grid.finding import Found, find
from konsento.grid.reading import Reading
from konsento.grid.records import BalanceSlot, Series
from konsento.grid.regions import check_rule
from konsento.grid.rule import Reference, ReferenceMode, Rule, Threshold, ThresholdUnit
from konsento.kit.errors import KonsentoError

advice = typer.Typer(help="When charging is recommended.", no_args_is_help=True)

_THRESHOLD: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(%|mw|%\s*peak)?\s*", re.IGNORECASE)
_UNITS: Final = {"": ThresholdUnit.SHARE, "%": ThresholdUnit.SHARE, "mw": ThresholdUnit.MW, "%peak": ThresholdUnit.PEAK}


@advice.callback()
def _group() -> None:
    """When charging is recommended."""


class CannotCheck(KonsentoError):
    """The file cannot be checked as was asked."""

    message = "{reason}"


@advice.command()
def check(
    file: Annotated[Path, typer.Argument(help="A file as a grid operator, a market or a service publishes it.")],
    *,
    reference: Annotated[
        str, typer.Option(help="Percent of demand by which supply must exceed it; may be negative, or 'none'.")
    ] = "",
    auto: Annotated[
        bool,
        typer.Option("--auto", help="Take the reference from the file's own day: a percentile. Without --reference."),
    ] = False,
    percentile: Annotated[str, typer.Option(help="Which percentile --auto takes.")] = "60",
    threshold: Annotated[
        str, typer.Option(help="What renewable generation must be: '30%' of supply, '5000MW', '60%peak' of its peak.")
    ] = "30%",
    shortest: Annotated[int, typer.Option(help="Minutes that a window must last.")] = 120,
    region: Annotated[str, typer.Option(help="Code of the region, where the file does not say it: JP-A03.")] = "",
    day: Annotated[str, typer.Option("--date", help="YYYY-MM-DD, where the file has several days.")] = "",
    kind: Annotated[
        str,
        typer.Option("--format", help=f"What the file is, where it is not found out: {', '.join(readers.FORMATS)}."),
    ] = "",
) -> None:
    """Read a file and print what it is and which windows a rule finds in it: one JSON object.

    Exit code 1 with the reason where the file cannot be read for certain.
    """
    if kind and kind not in readers.FORMATS:
        raise typer.BadParameter(f"one of {', '.join(readers.FORMATS)}", param_hint="--format")
    rule = _rule(reference, percentile, threshold, shortest, auto=auto)
    reading = readers.read(file.read_bytes(), name=file.name, format=kind or None, region=region or None)
    typer.echo(json.dumps(_checked(reading, rule, region, day), indent=2))


def _rule(reference: str, percentile: str, threshold: str, shortest: int, *, auto: bool) -> Rule:
    if auto and reference:
        raise typer.BadParameter("either --reference or --auto", param_hint="--auto")
    matched = _THRESHOLD.fullmatch(threshold)
    if matched is None:
        raise typer.BadParameter("write 30%, 5000MW or 60%peak", param_hint="--threshold")
    unit = _UNITS[re.sub(r"\s", "", (matched[2] or "").lower())]
    if reference.strip().lower() == "none":
        wanted = Reference(mode=ReferenceMode.NONE, value=Decimal(0))
    elif reference:
        wanted = Reference(mode=ReferenceMode.PERCENT, value=_number(reference, "--reference"))
    else:
        wanted = Reference(mode=ReferenceMode.AUTO, value=_number(percentile, "--percentile"))
    rule = Rule(reference=wanted, threshold=Threshold(unit=unit, value=Decimal(matched[1])), shortest_minutes=shortest)
    check_rule(rule)
    return rule


def _number(text: str, option: str) -> Decimal:
    try:
        number = Decimal(text.strip().removesuffix("%").strip())
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise typer.BadParameter("a number", param_hint=option)
    return number


def _checked(reading: Reading, rule: Rule, region: str, day: str) -> dict[str, Any]:
    if not reading.slots and reading.prices:
        raise CannotCheck(reason="The file has prices alone: windows are found in balance data.")
    if not reading.slots:
        raise CannotCheck(reason="The file has no slot that was told.")
    code = _one({slot.region for slot in reading.slots}, region or reading.region or "", "regions", "--region")
    slots = [slot for slot in reading.slots if slot.region == code]
    kinds = {slot.series for slot in slots}
    series = next(one for one in (Series.FORECAST, Series.ACTUAL, Series.PLAN) if one in kinds)
    slots = [slot for slot in slots if slot.series is series]
    zone = _zone(code)
    of = _one({str(slot.begin.astimezone(zone).date()) for slot in slots}, day, "days", "--date")
    chosen = date.fromisoformat(of)
    today = [slot for slot in slots if slot.begin.astimezone(zone).date() == chosen]
    found = find(today, rule, chosen, str(zone), slots)
    return _object(reading, (code, series), chosen, today, found)


def _one(choices: set[str], wanted: str, what: str, option: str) -> str:
    if wanted:
        if wanted not in choices:
            raise CannotCheck(reason=f"The file has nothing about {wanted}, but about: {', '.join(sorted(choices))}.")
        return wanted
    if len(choices) > 1:
        raise CannotCheck(reason=f"The file has several {what}; name one by {option}: {', '.join(sorted(choices))}.")
    return next(iter(choices))


def _zone(code: str) -> ZoneInfo:
    area = AREAS.get(code)
    name = area.time_zone if area is not None else "UTC"
    return ZoneInfo(name if name in available_timezones() else "UTC")


def _object(
    reading: Reading, what: tuple[str, Series], day: date, slots: Sequence[BalanceSlot], found: Found
) -> dict[str, Any]:
    code, series = what
    zone = _zone(code)
    surplus = [one for slot in slots if (one := slot.surplus_percent) is not None]
    shares = [one for slot in slots if (one := slot.share) is not None]

    def clock(at: datetime) -> str:
        return at.astimezone(zone).strftime("%H:%M")

    return {
        "source": reading.format,
        "region": code,
        "date": str(day),
        "time_zone": str(zone),
        "series": str(series),
        "slots": len(slots),
        "missing": found.missing,
        "surplus_percent_min": _rounded(min(surplus, default=None), 1),
        "surplus_percent_max": _rounded(max(surplus, default=None), 1),
        "renewable_share_max": _rounded(max(shares, default=None), 3),
        "reference_percent": _rounded(found.reference_percent, 2),
        "threshold_mw": _rounded(found.threshold_mw, 1),
        "threshold_share": _rounded(found.threshold_share, 4),
        "windows": [
            {
                "start": clock(window.begin),
                "end": clock(window.end),
                "start_at": window.begin.isoformat(),
                "end_at": window.end.isoformat(),
            }
            for window in found.windows
        ],
        "reason": None if found.reason is None else str(found.reason),
        "warnings": list(reading.warnings),
    }


def _rounded(number: Decimal | None, digits: int) -> float | None:
    return None if number is None else float(round(number, digits))
