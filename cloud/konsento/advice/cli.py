"""`konsento advice`: what a file about the grid says, and which windows would be found in it. Needs no database."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn
from zoneinfo import ZoneInfo, available_timezones

import typer

from konsento.grid import readers
from konsento.grid.areas import AREAS
from konsento.grid.finding import FoundWindow, day_bounds, find
from konsento.grid.reading import Reading
from konsento.grid.records import BalanceSlot, Series
from konsento.grid.rule import Reference, ReferenceMode, Rule, Threshold, ThresholdUnit
from konsento.grid.rules import check_rule

advice = typer.Typer(help="When charging is recommended.", no_args_is_help=True)

_THRESHOLD: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(%|mw|%\s*peak)?\s*", re.IGNORECASE)
_UNITS: Final = {"": ThresholdUnit.SHARE, "%": ThresholdUnit.SHARE, "mw": ThresholdUnit.MW, "%peak": ThresholdUnit.PEAK}
_BY_DEFAULT: Final = Rule()


@advice.callback()
def _group() -> None:
    """When charging is recommended."""


@advice.command()
def check(
    file: Annotated[Path, typer.Argument(help="A file as a grid operator, a market or a service publishes it.")],
    *,
    reference: Annotated[
        str,
        typer.Option(
            help="Percent of demand by which supply must exceed it: 5, or -5 in a region that imports; or none."
        ),
    ] = "",
    auto: Annotated[
        bool,
        typer.Option(
            "--auto",
            help="Take the reference from the file itself: a percentile of the days before, of the day itself where the"
            " file has fewer than three. This is done without --reference too.",
        ),
    ] = False,
    percentile: Annotated[str, typer.Option(help="Which percentile --auto takes, 0 to 100.")] = "60",
    threshold: Annotated[
        str,
        typer.Option(help="What the first type must generate: 30% of supply, 5000MW, or 60%peak of its own peak."),
    ] = "30%",
    shortest: Annotated[int, typer.Option(help="Minutes that a window must last.")] = _BY_DEFAULT.shortest_minutes,
    gap: Annotated[
        int, typer.Option(help="So many slots in a row may miss the rule inside a window.")
    ] = _BY_DEFAULT.gap_slots,
    most: Annotated[int, typer.Option(help="Windows of a day at most.")] = _BY_DEFAULT.most_a_day,
    region: Annotated[
        str, typer.Option(help="Code of the region (JP-A03), where the file does not say it or has several.")
    ] = "",
    day: Annotated[
        str, typer.Option("--date", help="YYYY-MM-DD, where the file has several days: else the last whole one.")
    ] = "",
    time_zone: Annotated[str, typer.Option(help="Asia/Tokyo: for a region that is not known here.")] = "",
    kind: Annotated[
        str,
        typer.Option("--format", help=f"What the file is, where it is not found out: {', '.join(readers.FORMATS)}."),
    ] = "",
) -> None:
    """Read a file and print what it is and which windows a rule finds in it: one JSON object about one day.

    Without options the rule is that of a new region. Days and times are by the region's clock. Of several days the last
    that the file tells as a whole is taken, and the others are named. Where the file cannot be read for certain, or has
    several regions and none is named, the reason is on standard error and the exit code is 1.
    """
    if kind and kind not in readers.FORMATS:
        raise typer.BadParameter(f"one of {', '.join(readers.FORMATS)}", param_hint="--format")
    if time_zone and time_zone not in available_timezones():
        raise typer.BadParameter("a name like Asia/Tokyo", param_hint="--time-zone")
    rule = Rule(
        reference=_reference(reference, percentile, auto=auto),
        threshold=_threshold(threshold),
        shortest_minutes=shortest,
        gap_slots=gap,
        most_a_day=most,
    )
    check_rule(rule)
    reading = readers.read(
        file.read_bytes(),
        name=file.name,
        format=kind or None,
        region=region or None,
        time_zone=time_zone or None,
    )
    typer.echo(json.dumps(_checked(reading, rule, region, day, time_zone), indent=2))


def _reference(reference: str, percentile: str, *, auto: bool) -> Reference:
    if auto and reference:
        raise typer.BadParameter("either --reference or --auto", param_hint="--auto")
    if reference.strip().lower() == "none":
        return Reference(mode=ReferenceMode.NONE, value=Decimal(0))
    if reference:
        return Reference(mode=ReferenceMode.PERCENT, value=_number(reference, "--reference"))
    return Reference(mode=ReferenceMode.AUTO, value=_number(percentile, "--percentile"))


def _threshold(threshold: str) -> Threshold:
    matched = _THRESHOLD.fullmatch(threshold)
    if matched is None:
        raise typer.BadParameter("write 30%, 5000MW or 60%peak", param_hint="--threshold")
    unit = _UNITS[re.sub(r"\s", "", (matched[2] or "").lower())]
    return Threshold(unit=unit, value=Decimal(matched[1]))


def _number(text: str, option: str) -> Decimal:
    try:
        number = Decimal(text.strip().removesuffix("%").strip())
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise typer.BadParameter("a number", param_hint=option)
    return number


def _refuse(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(1)


def _checked(reading: Reading, rule: Rule, region: str, day: str, time_zone: str) -> dict[str, Any]:
    if not reading.slots:
        _refuse(
            f"The file is of the format {reading.format} and has prices alone: windows are found in balance data."
            if reading.prices
            else f"The file is of the format {reading.format} and has no slot that is told."
        )
    code = _region(reading, region)
    zone = _zone(code, time_zone)
    slots = [slot for slot in reading.slots if slot.region == code]
    # What is to come is what windows are found in; what was or is planned, where the file has nothing else.
    series = next(one for one in Series if any(slot.series is one for slot in slots))
    slots = [slot for slot in slots if slot.series is series]
    days = _by_day(slots, zone)
    of = _day(days, day, zone)
    today = days[of]
    found = find(today, rule, of, str(zone), slots)
    return {
        "source": reading.format,
        "region": code,
        "date": str(of),
        "time_zone": str(zone),
        "series": str(series),
        "supply": next((str(slot.supply) for slot in today if slot.supply is not None), None),
        "slots": len(today),
        "missing": found.missing,
        **_extremes(today),
        "reference_percent": _rounded(found.reference_percent, 2),
        "threshold_mw": _rounded(found.threshold_mw, 1),
        "threshold_share": _rounded(found.threshold_share, 4),
        "history_days": found.history_days,
        "windows": [_window(window, zone) for window in found.windows],
        "reason": None if found.reason is None else str(found.reason),
        "warnings": [*reading.warnings, *_others(days, of, named=bool(day))],
    }


def _region(reading: Reading, wanted: str) -> str:
    there = sorted({slot.region for slot in reading.slots})
    if wanted and wanted not in there:
        _refuse(f"The file has nothing about {wanted}, but about: {', '.join(there)}.")
    if not wanted and len(there) > 1:
        _refuse(
            f"The file is of the format {reading.format} and has several regions; name one by --region:"
            f" {', '.join(there)}."
        )
    return wanted or there[0]


def _by_day(slots: Sequence[BalanceSlot], zone: ZoneInfo) -> dict[date, list[BalanceSlot]]:
    found: dict[date, list[BalanceSlot]] = {}
    for slot in slots:
        found.setdefault(slot.begin.astimezone(zone).date(), []).append(slot)
    return found


def _day(days: Mapping[date, Sequence[BalanceSlot]], wanted: str, zone: ZoneInfo) -> date:
    """Return the day that is wanted; else the last that is told as a whole, or the most of which is told."""
    if wanted:
        of = next((day for day in days if str(day) == wanted), None)
        if of is None:
            _refuse(f"The file has nothing about {wanted}, but about: {', '.join(map(str, sorted(days)))}.")
        return of

    def told(day: date) -> tuple[float, date]:
        begin, end = day_bounds(day, str(zone))
        minutes = sum(slot.minutes for slot in days[day])
        return minutes / ((end - begin) / timedelta(minutes=1)), day

    return max(days, key=told)


def _others(days: Collection[date], of: date, *, named: bool) -> list[str]:
    if named or len(days) == 1:
        return []
    others = ", ".join(str(day) for day in sorted(days) if day != of)
    return [f"This is about {of}. The file has other days as well, which --date names: {others}."]


def _zone(code: str, time_zone: str) -> ZoneInfo:
    """Return the clock of a region: its days begin by it."""
    if time_zone:
        return ZoneInfo(time_zone)
    if code in AREAS:
        return ZoneInfo(AREAS[code].time_zone)
    _refuse(f"By which clock the days of {code} begin is not known here; name it by --time-zone.")


def _extremes(slots: Sequence[BalanceSlot]) -> dict[str, float | None]:
    surplus = [one for slot in slots if (one := slot.surplus_percent) is not None]
    shares = [one for slot in slots if (one := slot.share) is not None]
    return {
        "surplus_percent_min": _rounded(min(surplus, default=None), 1),
        "surplus_percent_max": _rounded(max(surplus, default=None), 1),
        "renewable_share_max": _rounded(max(shares, default=None), 3),
    }


def _window(window: FoundWindow, zone: ZoneInfo) -> dict[str, str]:
    begin, end = window.begin.astimezone(zone), window.end.astimezone(zone)
    return {
        "start": f"{begin:%H:%M}",
        "end": f"{end:%H:%M}",
        "start_at": begin.isoformat(),
        "end_at": end.isoformat(),
    }


def _rounded(number: Decimal | None, digits: int) -> float | None:
    return None if number is None else float(round(number, digits))
