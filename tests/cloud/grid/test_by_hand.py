"""Windows beside a calculation by hand, of days that resemble areas and days of every kind, from files to windows.

The arithmetic stands in the comments. Days are made here; what is special about each area is as it is there.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from konsento.grid.finding import Found, Reason, Verdict, find
from konsento.grid.readers import read
from konsento.grid.records import BalanceSlot, Supply
from konsento.grid.rule import Reference, ReferenceMode, Rule, Threshold, ThresholdUnit
from konsento.grid.series import Told, combined

from ..advice.test_command import run
from .files import SLOTS, Balance, Sample, area_file, british, entsoe_file

HALF_HOUR = timedelta(minutes=30)
QUARTER = timedelta(minutes=15)


def rule(reference: str, threshold: str, unit: ThresholdUnit = ThresholdUnit.SHARE, **more: int) -> Rule:
    """Return a rule; `reference` is a percentage, `auto` with a percentile, or `none`."""
    mode, _, value = reference.partition(" ")
    known = {"auto": ReferenceMode.AUTO, "none": ReferenceMode.NONE}
    return Rule(
        reference=Reference(mode=known.get(mode, ReferenceMode.PERCENT), value=Decimal(value or "0"))
        if mode in known
        else Reference(mode=ReferenceMode.PERCENT, value=Decimal(mode)),
        threshold=Threshold(unit=unit, value=Decimal(threshold)),
        **more,
    )


def day_of(region: str, day: date, balance: Callable[[int], Balance]) -> Sample:
    """Return an operator's file of a day; `balance` gives half hour 0 to 47."""
    return area_file(region, day, [balance(slot) for slot in range(SLOTS)])


def slots_of(*samples: Sample) -> list[BalanceSlot]:
    return [slot for one in samples for slot in read(one.content, name=one.name).slots]


def times(found: Found, zone: timedelta) -> list[tuple[str, str]]:
    """Return windows as times of a clock that is so far ahead of UTC."""
    return [(f"{one.begin + zone:%H:%M}", f"{one.end + zone:%H:%M}") for one in found.windows]


def advised(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path, sample: Sample, *words: str
) -> dict[str, Any]:
    """Return what `konsento advice check` says of a file."""
    path = folder / sample.name
    path.write_bytes(sample.content)
    code, out, err = run(monkeypatch, capsys, path, *words)
    assert code == 0, err
    told: dict[str, Any] = json.loads(out)
    return told


JAPAN = timedelta(hours=9)


# --- An area that imports: supply is below demand at every hour ------------------------------------------------------

CHUBU_DAY = date(2026, 8, 17)


def chubu(slot: int) -> Balance:
    """Return a half hour with 1,000,000 kWh of demand and a surplus of (slot - 48) %, so from -48 % to -1 %.

    From 12:00 to 20:30 (slots 24 to 40) just 30 % of supply is of sun and wind, else a tenth of it.
    """
    supply = (52 + slot) * 10_000
    return 1_000_000, supply, supply * 3 // 10 if 24 <= slot <= 40 else supply // 10


def test_one_percentage_for_the_whole_country_never_fires_in_an_area_that_imports() -> None:
    found = find(slots_of(day_of("JP-A04", CHUBU_DAY, chubu)), rule("0", "30"), CHUBU_DAY, "Asia/Tokyo")

    assert (found.windows, found.reason) == ((), Reason.NEVER_SURPLUS)


def test_an_area_that_imports_has_windows_by_what_is_usual_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    told = advised(monkeypatch, capsys, tmp_path, day_of("JP-A04", CHUBU_DAY, chubu), "--auto", "--threshold", "30")

    # The 60th percentile of 48 values is at place 47 * 0.6 = 28.2: between slot 28 (-20 %) and slot 29 (-19 %), at
    # -20 + 0.2 = -19.8 %. Slot 29, from 14:30, is the first above it; slot 40, until 20:30, the last with 30 % of sun.
    assert (told["reference_percent"], told["history_days"]) == (-19.8, 0)
    assert [(one["start"], one["end"]) for one in told["windows"]] == [("14:30", "20:30")]
    assert (told["source"], told["region"], told["date"]) == ("jp_area", "JP-A04", "2026-08-17")
    assert (told["slots"], told["missing"]) == (48, 0)
    # 520,000 and 990,000 of 1,000,000 kWh.
    assert (told["surplus_percent_min"], told["surplus_percent_max"], told["renewable_share_max"]) == (-48, -1, 0.3)


def test_with_days_before_it_is_their_percentile_that_counts() -> None:
    before = [day_of("JP-A04", CHUBU_DAY - timedelta(days=back), chubu) for back in range(1, 5)]

    found = find(
        slots_of(day_of("JP-A04", CHUBU_DAY, chubu)),
        rule("auto 60", "30"),
        CHUBU_DAY,
        "Asia/Tokyo",
        slots_of(*before),
    )

    # Four days of the same: each value four times, the 60th percentile at place 191 * 0.6 = 114.6. Places 114 and 115
    # both hold slot 28 (112 to 115), so that the reference is -20 %, and the window begins with slot 28, at 14:00.
    assert (found.reference_percent, found.history_days) == (-20, 4)
    assert times(found, JAPAN) == [("14:00", "20:30")]


# --- An island: supply equals demand at every hour -------------------------------------------------------------------

OKINAWA_DAY = date(2027, 2, 3)


def okinawa(slot: int) -> Balance:
    """Return a half hour in which 400,000 kWh are needed and made; the sun rises and sets in steps of 10,000 kWh.

    From 7:00 on (slot 14), 100,000 kWh at noon (slot 24), nothing any more from 17:00 on (slot 34).
    """
    return 400_000, 400_000, max(0, min(slot - 14, 34 - slot)) * 10_000


def test_where_supply_always_equals_demand_the_part_of_the_own_peak_decides(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    sample = day_of("JP-A10", OKINAWA_DAY, okinawa)

    # 100,000 kWh in half an hour are 200 MW; 60 % of that are 120 MW, 60,000 kWh: reached six steps after 7:00, at
    # 10:00 (slot 20), and for the last time six steps before 17:00 (slot 28), until 14:30.
    told = advised(monkeypatch, capsys, tmp_path, sample, "--reference", "0", "--threshold", "60%peak")
    assert told["threshold_mw"] == 120
    assert [(one["start"], one["end"]) for one in told["windows"]] == [("10:00", "14:30")]
    assert (told["surplus_percent_min"], told["surplus_percent_max"]) == (0, 0)
    # 100,000 of 400,000 kWh.
    assert told["renewable_share_max"] == 0.25
    # The same in MW, and with no question about the surplus. At 121 MW a slot at each end is lost.
    assert (
        advised(monkeypatch, capsys, tmp_path, sample, "--reference", "none", "--threshold", "120MW")["windows"]
        == (told["windows"])
    )
    (shorter,) = advised(monkeypatch, capsys, tmp_path, sample, "--reference", "0", "--threshold", "121MW")["windows"]
    assert (shorter["start"], shorter["end"]) == ("10:30", "14:00")
    # No surplus at all is less than the least one.
    none = advised(monkeypatch, capsys, tmp_path, sample, "--reference", "0.1", "--threshold", "60%peak")
    assert (none["windows"], none["reason"]) == ([], "never_surplus")

    found = find(slots_of(sample), rule("0", "60", ThresholdUnit.PEAK), OKINAWA_DAY, "Asia/Tokyo")
    # Above 60,000 kWh: 0 + 10,000 + 20,000 + 30,000 + 40,000 + 30,000 + 20,000 + 10,000 + 0.
    assert [window.score for window in found.windows] == [160_000]


# --- A region that changes its clock, in quarter hours from three documents ------------------------------------------


def denmark(begin: datetime, quarters: int, windy: Sequence[int], untold: Sequence[int] = ()) -> list[BalanceSlot]:
    """Return Eastern Denmark's day from its forecasts of load, of generation, and of wind and sun.

    2,000 MW are needed in each quarter, of which some are untold. 1,900 MW are made, 500 MW of it by wind; in windy
    quarters 2,100 MW, 900 MW of it by wind, two thirds of that off the coast.
    """
    count = range(quarters)
    load = [None if one in untold else 2_000 for one in count]
    made = [2_100 if one in windy else 1_900 for one in count]
    off_coast = [600 if one in windy else 300 for one in count]
    on_land = [300 if one in windy else 200 for one in count]
    quarter: dict[str, Any] = {"resolution": "PT15M"}
    documents = (
        entsoe_file("A65", "A01", {"": load}, begin, **quarter),
        entsoe_file("A71", "A01", {"": made}, begin, **quarter),
        entsoe_file("A69", "A01", {"B16": [0] * quarters, "B18": off_coast, "B19": on_land}, begin, **quarter),
    )
    told = [
        Told(source_id=UUID(int=number), slot=slot, received_at=begin)
        for number, document in enumerate(documents)
        for slot in read(document.content).slots
    ]
    return combined(told, Supply.GENERATION)


def test_the_night_with_an_hour_twice_has_a_window_as_long_as_it_is() -> None:
    day, begin = date(2026, 10, 25), datetime(2026, 10, 24, 22, tzinfo=UTC)
    # 25 hours. Windy from 2:00 in summer time (quarter 8) for ten quarters, until 3:30 in winter time: by the clock on
    # the wall 90 minutes, in truth 150. The load of quarter 12 is untold, which is one slot, and is bridged.
    slots = denmark(begin, 100, range(8, 18), untold=[12])

    found = find(slots, rule("5", "30"), day, "Europe/Copenhagen")

    # (2,100 - 2,000) / 2,000 = 5 %, and 900 / 2,100 = 42.9 %; else -5 % and 500 / 1,900 = 26.3 %.
    (window,) = found.windows
    assert (window.begin, window.end) == (begin + 8 * QUARTER, begin + 18 * QUARTER)
    assert window.surplus_most == 5
    assert len(found.judged) == 100
    assert [found.judged[one].verdict for one in (7, 8, 12, 17, 18)] == [
        Verdict.BELOW_BOTH, Verdict.OK, Verdict.UNKNOWN, Verdict.OK, Verdict.BELOW_BOTH
    ]  # fmt: skip
    # A quarter with wind has 225,000 kWh of it in 525,000 kWh: 225,000 - 0.3 * 525,000 = 67,500 kWh above the
    # threshold, in each of nine quarters that are told.
    assert window.score == 9 * 67_500


def test_the_night_without_an_hour_has_a_window_as_short_as_it_is() -> None:
    day, begin = date(2026, 3, 29), datetime(2026, 3, 28, 23, tzinfo=UTC)
    # 23 hours. Windy from 1:00 in winter time (quarter 4) until 4:00 in summer time: three hours on the wall, two in
    # truth, which is just long enough. With a quarter less it is not.
    found = find(denmark(begin, 92, range(4, 12)), rule("5", "30"), day, "Europe/Copenhagen")
    shorter = find(denmark(begin, 92, range(4, 11)), rule("5", "30"), day, "Europe/Copenhagen")

    assert [(one.begin, one.end) for one in found.windows] == [(begin + 4 * QUARTER, begin + 12 * QUARTER)]
    assert (len(found.judged), found.missing) == (92, 0)
    assert (shorter.windows, shorter.reason) == ((), Reason.TOO_SHORT)


def test_two_quarters_in_a_row_that_are_untold_end_a_window() -> None:
    day, begin = date(2026, 6, 10), datetime(2026, 6, 9, 22, tzinfo=UTC)
    # Twenty windy quarters, of which the ninth and tenth are untold: eight and ten are left, both two hours at least.
    slots = denmark(begin, 96, range(40, 60), untold=[48, 49])

    found = find(slots, rule("5", "30"), day, "Europe/Copenhagen")

    assert [(one.begin - begin, one.end - begin) for one in found.windows] == [
        (40 * QUARTER, 48 * QUARTER), (50 * QUARTER, 60 * QUARTER)
    ]  # fmt: skip


# --- A region of which only shares are told --------------------------------------------------------------------------


def test_of_three_times_with_much_wind_the_two_with_the_most_above_the_threshold_are_taken() -> None:
    day, begin = date(2026, 7, 15), datetime(2026, 7, 14, 23, tzinfo=UTC)
    # By British Summer Time: 80 % from 2:00 to 4:00, 65 % from 9:00 to 13:00, 70 % from 18:00 to 21:00, else 40 %.
    shares = {range(4, 8): 80, range(18, 26): 65, range(36, 42): 70}

    def share(slot: int) -> float:
        return next((value for slots, value in shares.items() if slot in slots), 40)

    told = [
        british(begin + slot * HALF_HOUR, {"wind": share(slot) - 10, "hydro": 10, "gas": 100 - share(slot)})
        for slot in range(SLOTS)
    ]
    region = {"regionid": 13, "dnoregion": "UKPN London", "shortname": "London", "data": told}
    reading = read(json.dumps({"data": region}).encode())

    found = find(reading.slots, rule("none", "60"), day, "Europe/London")

    # (0.80 - 0.60) * 2 h = 0.4, (0.65 - 0.60) * 4 h = 0.2, (0.70 - 0.60) * 3 h = 0.3: the longest is left out.
    assert reading.region == "GB-13"
    assert times(found, timedelta(hours=1)) == [("02:00", "04:00"), ("18:00", "21:00")]
    assert [window.score for window in found.windows] == [Decimal("0.4"), Decimal("0.3")]
    # Of a day of which nothing tells demand and supply, no surplus is made up.
    asked = find(reading.slots, rule("-100", "60"), day, "Europe/London")
    assert (asked.windows, asked.reason) == ((), Reason.NOTHING_TOLD)
    assert {one.verdict for one in asked.judged} == {Verdict.UNKNOWN}
