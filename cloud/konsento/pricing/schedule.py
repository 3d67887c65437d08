"""Which rate holds when: bands of a local day on the world's clock, also on the days on which clocks are set."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from konsento.pricing.price import Component, Price


class Span(NamedTuple):
    """A time in which a component has the same rate."""

    begin: datetime
    until: datetime
    rate: int | None
    """Its place in `Price.rates`; None where the component is free."""


class Schedule:
    """The rates of a price by time. Remembers the last span of each component: readings come in order of time."""

    def __init__(self, price: Price) -> None:
        self._rates = price.rates
        self._zone = ZoneInfo(price.time_zone)
        self._always: dict[Component, int | None] = {}
        self._edges: dict[Component, list[int]] = {}
        self._last: dict[Component, Span] = {}
        for component in Component:
            of_it = [(at, rate) for at, rate in enumerate(price.rates) if rate.component is component]
            self._always[component] = next((at for at, rate in of_it if rate.band is None), None)
            bands = [rate.band for _, rate in of_it if rate.band is not None]
            if bands:
                edges = {0} | {m % 1440 for band in bands for m in (band.from_minute, band.to_minute)}
                self._edges[component] = sorted(edges)

    def spans(self, component: Component, begin: datetime, end: datetime) -> Iterator[Span]:
        """Return the spans of a time in order; one without length for no time at all."""
        if component not in self._edges:
            yield Span(begin, end, self._always[component])
            return
        at = begin
        while True:
            span = self._span(component, at)
            until = min(span.until, end)
            yield Span(at, until, span.rate)
            if until >= end:
                return
            at = until

    def rate_at(self, component: Component, at: datetime) -> int | None:
        """Return the rate of a moment."""
        return next(self.spans(component, at, at)).rate

    def _span(self, component: Component, at: datetime) -> Span:
        last = self._last.get(component)
        if last is None or not last.begin <= at < last.until:
            last = Span(at, self._until(component, at), self._rate(component, at))
            self._last[component] = last
        return last

    def _rate(self, component: Component, at: datetime) -> int | None:
        local = at.astimezone(self._zone)
        minute = local.hour * 60 + local.minute
        for place, rate in enumerate(self._rates):
            if rate.component is component and rate.band is not None and rate.band.has(local.date(), minute):
                return place
        return self._always[component]

    def _until(self, component: Component, at: datetime) -> datetime:
        """Return the next moment at which the rate may be another one."""
        local = at.astimezone(self._zone)
        midnight = datetime(local.year, local.month, local.day, tzinfo=self._zone)
        until = min(
            edge
            for days in (0, 1)
            for minutes in self._edges[component]
            for fold in (0, 1)
            if (edge := _wall(midnight, days, minutes, fold)) > at
        )
        return self._clock_set(at, until) or until

    def _clock_set(self, begin: datetime, end: datetime) -> datetime | None:
        """Return the second at which the clocks are set in that time; None where they are not."""
        before = begin.astimezone(self._zone).utcoffset()
        if end.astimezone(self._zone).utcoffset() == before:
            return None
        first, last = int(begin.timestamp()), int(end.timestamp())
        while last - first > 1:
            middle = (first + last) // 2
            if datetime.fromtimestamp(middle, self._zone).utcoffset() == before:
                first = middle
            else:
                last = middle
        return datetime.fromtimestamp(last, UTC)


def _wall(midnight: datetime, days: int, minutes: int, fold: int) -> datetime:
    """Return the moment at which the clock on the wall shows that; `fold` tells the two of a repeated hour apart."""
    return (midnight + timedelta(days=days, minutes=minutes)).replace(fold=fold).astimezone(UTC)
