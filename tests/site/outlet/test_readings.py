"""A report is one moment of an outlet, never a mixture of two."""

from custom_components.konsento.control.words import EndReason, OutletState
from custom_components.konsento.outlet.readings import REQUIRED, Readings, Value

IDLE: dict[str, Value] = {
    "session_state": "idle",
    "session_id": "",
    "end_reason": "",
    "session_energy": 0.0,
    "session_time": 0.0,
    "power": 0.0,
    "lifetime_energy": 5.0,
    "boot_id": "b",
}


def filled(**values: Value) -> Readings:
    readings = Readings([*REQUIRED, "voltage", "load_power"])
    for name, value in {"voltage": 100.0, **IDLE, **values}.items():
        readings.take(name, value)
    return readings


def test_nothing_is_reported_before_everything_was_told() -> None:
    readings = Readings([*REQUIRED, "voltage"])

    assert [readings.take(name, value) for name, value in IDLE.items()] == [False] * len(IDLE)
    assert readings.report() is None
    assert readings.take("voltage", 100.0)
    assert readings.report()


def test_a_new_session_counts_from_its_state_not_from_its_id() -> None:
    readings = filled(session_state="ended", session_id="old", end_reason="Remote", session_energy=7.5)
    for name, value in (("session_id", "new"), ("session_energy", 0.0), ("end_reason", "")):
        readings.take(name, value)
    mixed = readings.report()
    readings.take("session_state", "supplying")
    settled = readings.report()

    assert mixed
    assert (mixed.session_id, mixed.state, mixed.end_reason, mixed.energy_mwh) == (
        "old",
        OutletState.ENDED,
        EndReason.REMOTE,
        7500,
    )
    assert settled
    assert (settled.session_id, settled.state, settled.end_reason, settled.energy_mwh) == (
        "new",
        OutletState.SUPPLYING,
        None,
        0,
    )


def test_within_a_session_the_newest_energy_counts() -> None:
    readings = filled(session_state="supplying", session_id="s")
    readings.take("session_energy", 1.2345)
    report = readings.report()

    assert report
    assert report.energy_mwh == 1234


def test_what_is_no_number_is_no_reading() -> None:
    report = filled(lifetime_energy=float("nan"), power=None, voltage=float("inf")).report()

    assert report
    assert (report.lifetime_mwh, report.power_w, report.voltage_v) == (None, 0.0, None)


def test_an_unknown_state_is_no_state_to_start_in() -> None:
    report = filled(session_state="dancing").report()

    assert report
    assert report.faulted


def test_entities_of_others_do_not_matter() -> None:
    assert not filled().take("load_power", 3.0)
