"""When a session will have ended: from its limits and its power, and steady."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from custom_components.konsento.control.estimate import EndEstimate
from custom_components.konsento.control.limits import Limits
from custom_components.konsento.control.session import Phase, Session
from custom_components.konsento.control.words import TimerStart

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def session(power_w: float = 3000, **limits: object) -> Session:
    return Session(
        id="s",
        server="local",
        remote_start_id=1,
        outlet="a",
        evse=1,
        limits=Limits(**limits),  # type: ignore[arg-type]  # the names of its fields
        expires_at=NOW,
        register_start_mwh=0,
        phase=Phase.RUNNING,
        supplying=True,
        power_w=power_w,
    )


@pytest.mark.parametrize(
    ("running", "minutes"),
    [
        (session(energy_wh=1000), 20),
        (session(time_s=600), 10),
        (session(energy_wh=1000, time_s=600), 10),
        (session(energy_wh=1000, time_s=7200), 20),
        (replace(session(energy_wh=1000), energy_mwh=500_000), 10),
        (replace(session(time_s=600), supply_s=300), 5),
        (replace(session(time_s=600), supply_s=700), 0),
    ],
)
def test_it_is_the_first_limit_reached(running: Session, minutes: int) -> None:
    assert EndEstimate().of(running, NOW) == NOW + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "running",
    [
        None,
        session(power_w=0, energy_wh=1000),
        replace(session(energy_wh=1000, time_s=600), supplying=False),
        session(time_s=600, timer_start=TimerStart.CURRENT),
    ],
)
def test_nothing_is_said_while_nothing_flows(running: Session | None) -> None:
    assert EndEstimate().of(running, NOW) is None


def test_a_little_more_or_less_power_changes_nothing() -> None:
    estimate = EndEstimate()
    first = estimate.of(session(power_w=3000, energy_wh=1000), NOW)
    seen = {estimate.of(session(power_w=power, energy_wh=1000), NOW) for power in (2990, 3020, 2950, 3100)}
    assert seen == {first}

    assert estimate.of(session(power_w=1500, energy_wh=1000), NOW) == NOW + timedelta(minutes=40)
    assert estimate.of(None, NOW) is None
