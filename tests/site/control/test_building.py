"""What the building draws, by a meter that may be late, or silent, and may count the outlets too."""

import pytest

from custom_components.konsento.control.building import GRACE_S, LAG_S, SILENT_S, STALE_S, BuildingMeter


def test_nothing_is_known_before_the_first_reading() -> None:
    meter = BuildingMeter()
    assert meter.rest_w(0) is None
    meter.read(1, None)
    assert meter.rest_w(1) is None


def test_a_meter_of_the_others_is_taken_as_it_is() -> None:
    meter = BuildingMeter()
    meter.outlets(1, 3000)
    meter.read(1, 2000)
    assert meter.rest_w(1) == 2000


@pytest.mark.parametrize("whole", [False, True])
def test_what_is_fed_in_makes_no_room(whole: bool) -> None:
    meter = BuildingMeter(whole=whole)
    meter.outlets(0, 0)
    meter.read(LAG_S, -1500)
    assert meter.rest_w(LAG_S) == 0


def test_a_meter_that_says_nothing_more_is_silent_in_the_end() -> None:
    meter = BuildingMeter()
    meter.read(0, 2000)
    assert meter.rest_w(SILENT_S - 1) == 2000
    assert meter.rest_w(SILENT_S) is None
    meter.read(SILENT_S + 5, 1000)
    assert meter.rest_w(SILENT_S + 5) == 1000


def test_a_meter_that_does_not_know_is_believed_for_a_moment() -> None:
    meter = BuildingMeter()
    meter.read(0, 2000)
    for second in range(1, int(GRACE_S)):
        meter.read(second, None)
        assert meter.rest_w(second) == 2000
    assert meter.rest_w(GRACE_S + 1) is None
    meter.read(50, 500)
    meter.read(51, None)
    assert meter.rest_w(52) == 500


def test_a_meter_of_everything_that_is_late_does_not_take_an_outlet_for_the_building() -> None:
    meter = BuildingMeter(whole=True)
    for second in range(100):
        # 1000 W in the building; the outlet is switched on at 30 and off at 60; the meter shows it 6 s later.
        meter.outlets(second, 3000 if 30 <= second < 60 else 0)
        meter.read(second, 4000 if 36 <= second < 66 else 1000)
        assert meter.rest_w(second) == (1000 if second >= LAG_S else None)


def test_a_rise_of_the_building_shows_once_the_outlets_are_steady() -> None:
    meter = BuildingMeter(whole=True)
    for second in range(60):
        meter.outlets(second, 3000 if second >= 30 else 0)
        meter.read(second, (3000 if second >= 30 else 0) + (4000 if second >= 32 else 1000))
    assert meter.rest_w(60) == 4000


def test_outlets_that_are_never_steady_do_not_hide_the_building_for_long() -> None:
    meter = BuildingMeter(whole=True)
    for second in range(int(STALE_S) + 1):
        power = 3000 if second % 4 < 2 else 0
        meter.outlets(second, power)
        meter.read(second, power + 2000)
    assert meter.rest_w(STALE_S) == 2000
