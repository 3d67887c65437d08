"""What the next hours of a region are made of, and how they are drawn."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konsento.advice.outlook import Outlook, Slot, Standing, half_hours
from konsento.grid.records import BalanceSlot
from konsento.grid.rule import Rule
from konsento.grid.windows import Window
from konsento.kit.i18n import LANGUAGES
from konsento.models import GridRegion
from konsento.web.strip import WIDTH, strip

AT = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
"""Its clock is put forward in the night of AT."""


def slots(minutes: int, *shares: str | None, begin: datetime = AT) -> list[BalanceSlot]:
    return [
        BalanceSlot(
            region="DE",
            begin=begin + n * timedelta(minutes=minutes),
            minutes=minutes,
            first_share=None if share is None else Decimal(share),
        )
        for n, share in enumerate(shares)
    ]


def seen(some: list[Slot], *windows: Window, hours: int = 48) -> Outlook:
    region = GridRegion(
        code="DE", name_en="Germany", name_ja="", time_zone="Europe/Berlin", rule=Rule().to_dict(), advises=True
    )
    return Outlook(
        region=region,
        now=AT,
        until=AT + timedelta(hours=hours),
        standing=Standing.GOOD,
        slots=tuple(some),
        windows=windows,
        first=None,
        as_of=AT,
        sources=(),
    )


def test_short_slots_are_put_together_to_half_hours_and_what_is_incomplete_is_left_out() -> None:
    found = half_hours(slots(15, "0.2", "0.4", "0.5", None, "0.6", "0.8"))

    assert [(slot.begin, slot.share) for slot in found] == [
        (AT, Decimal("0.3")),
        (AT + timedelta(hours=1), Decimal("0.7")),
    ]


@pytest.mark.parametrize("minutes", [30, 60])
def test_longer_slots_stay_as_they_are(minutes: int) -> None:
    found = half_hours(slots(minutes, "0.2", None, "0.4"))

    assert [slot.end - slot.begin for slot in found] == [timedelta(minutes=minutes)] * 2


@given(
    st.sampled_from([5, 10, 15, 30, 60]),
    st.lists(st.none() | st.decimals(0, 1, places=3), max_size=80),
    st.integers(0, 11),
)
def test_half_hours_follow_each_other_and_lie_within_what_was_told(
    minutes: int, shares: list[Decimal | None], late: int
) -> None:
    told = slots(
        minutes, *(None if one is None else str(one) for one in shares), begin=AT + timedelta(minutes=late * 5)
    )
    found = half_hours(told)

    assert all(one.end <= other.begin for one, other in pairwise(found))
    for slot in found:
        inside = [part.share for part in told if slot.begin <= part.begin < slot.end]
        known = [share for share in inside if share is not None]
        assert len(known) == len(inside) > 0
        assert min(known) <= slot.share <= max(known)


def test_the_strip_has_the_hours_of_the_clock_on_a_day_of_23() -> None:
    drawn = strip(LANGUAGES.default, seen(half_hours(slots(60, *["0.5"] * 48))), BERLIN, "")

    # 23:00, an hour to midnight; noon is eleven hours after it, the next midnight twelve after that.
    marks = {mark.text: float(mark.x) / WIDTH * 48 for mark in drawn.marks}
    assert [text for text in marks if text != "12:00"] == ["Mon"]
    assert marks["Mon"] == pytest.approx(24, abs=0.1)
    assert len(drawn.bars) == 48


def test_windows_are_shaded_and_their_bars_stand_out_and_stay_within_the_picture() -> None:
    window = Window(begin=AT - timedelta(hours=1), end=AT + timedelta(hours=2))
    drawn = strip(
        LANGUAGES.default, seen(half_hours(slots(30, "0.1", "1.5", "0.2", "0.9", "0.3")), window), BERLIN, "now"
    )

    (shade,) = drawn.shades
    assert (shade.x, float(shade.width)) == ("0", pytest.approx(WIDTH * 2 / 24, abs=0.1))
    assert [bar.inside for bar in drawn.bars] == [True] * 4 + [False]
    assert all(float(bar.y) >= 0 and float(bar.y) + float(bar.height) <= drawn.floor + 0.1 for bar in drawn.bars)
    assert (drawn.price, drawn.description) == ("", "now")
