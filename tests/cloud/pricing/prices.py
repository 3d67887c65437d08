"""Random prices, bands and usages."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from konsento.pricing import Band, Component, Part, Price, Rate, Usage

CURRENCIES = st.sampled_from(["JPY", "EUR", "USD", "KWD"])
AMOUNTS = st.decimals(0, 500, places=4)
TAX_RATES = st.decimals(0, Decimal("0.9"), places=4)
ZONES = st.sampled_from(["Asia/Tokyo", "Europe/Berlin", "Australia/Lord_Howe", "America/New_York", "UTC"])
DAYS = st.dates(date(2024, 1, 1), date(2024, 12, 31)).map(lambda day: f"{day:%m-%d}")
BANDS = st.builds(
    Band,
    from_minute=st.integers(0, 1439),
    to_minute=st.integers(1, 1440),
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
    from_day=DAYS,
    to_day=DAYS,
)
RATES = st.builds(
    Rate,
    component=st.sampled_from(Component),
    price=AMOUNTS,
    band=st.none() | BANDS,
    free_s=st.integers(0, 1800),
)


@st.composite
def prices(draw: st.DrawFn) -> Price:
    least = draw(st.none() | st.integers(0, 5_000))
    most = draw(st.none() | st.integers(least or 0, 100_000))
    return Price(
        currency=draw(CURRENCIES),
        tax_rate=draw(TAX_RATES),
        tax_included=draw(st.booleans()),
        rates=tuple(draw(st.lists(RATES, min_size=1, max_size=6))),
        min_minor=least,
        max_minor=most,
        time_zone=draw(ZONES),
    )


# Both days on which clocks are set lie within it, for every zone.
YEAR = datetime(2026, 1, 1, tzinfo=UTC)
BEGINS = st.integers(0, 375 * 86_400).map(lambda seconds: YEAR + timedelta(seconds=seconds))


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    begin = at = draw(BEGINS)
    parts = []
    for _ in range(draw(st.integers(0, 6))):
        seconds = draw(st.integers(0, 20_000))
        end = at + timedelta(seconds=seconds)
        idle = draw(st.booleans())
        supply_s = draw(st.sampled_from([0, seconds, seconds // 2]))
        mwh = 0 if idle else draw(st.integers(0, 10_000_000))
        parts.append(Part(begin=at, end=end, mwh=mwh, supply_s=supply_s, idle=idle))
        at = end
    return Usage(begin=begin, parts=tuple(parts))
