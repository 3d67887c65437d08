"""The register that statistics go by: it never falls, and counts what devices count and nothing else."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from custom_components.konsento.control.register import Register

NOW = datetime(2026, 10, 26, tzinfo=UTC)

happenings = st.lists(
    st.one_of(
        st.tuples(st.just("supply"), st.integers(0, 3_000_000)),
        st.tuples(st.sampled_from(("forget", "silent")), st.just(0)),
        # Beyond what an outlet supplies between two readings: told apart from what flowed.
        st.tuples(st.just("replace"), st.integers(0, 10**12)),
        st.tuples(st.just("leap"), st.integers(10**8, 10**12)),
        st.tuples(st.just("restart"), st.just(0)),
    ),
    max_size=40,
)


@given(st.integers(0, 10**12), happenings)
def test_it_never_falls_and_is_what_was_supplied(first: int, steps: list[tuple[str, int]]) -> None:
    device, device_mwh, now = 1, first, NOW
    register = Register.first("1", first, now)
    supplied, heard = first, True
    for what, amount in steps:
        now += timedelta(hours=1)
        before = register.total_mwh
        match what:
            case "supply":
                # 3 kWh in an hour is possible for every outlet.
                device_mwh += amount
                supplied += amount
            # Of one that had counted less before, nobody can tell whether it has begun anew.
            case "forget" if heard and device_mwh > 3_000_000:
                device_mwh = 0
            case "replace" if heard:
                device, device_mwh = device + 1, amount
            case "leap" if heard:
                device_mwh += amount
            case "restart":
                register = Register.from_json(register.to_json())
        heard = what != "silent"
        if heard:
            register.take(str(device), device_mwh, now)
        assert register.total_mwh >= before
        # After "silent" a change of the register cannot be told from what flowed before it, so none comes then.
        if heard:
            assert register.total_mwh == supplied


def test_a_clock_that_went_back_hides_no_energy_of_a_running_session() -> None:
    register = Register.first("1", 5_000, NOW)
    register.take("1", 400_000, NOW - timedelta(days=3))
    assert register.total_mwh == 400_000
