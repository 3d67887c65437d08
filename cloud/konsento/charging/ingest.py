"""Taking in TransactionEvents: each is kept once, committed, and only then acknowledged.

The events of all stations meet in one queue and are committed in batches (`kit.batches`). Most are the next reading of
a session that simply goes on: these are added up in memory (`charging.running`) and written together
(`charging.next_events`). Whatever is more than that is taken one by one (`charging.events`), in a transaction after it.
What a session has become is the database's word: the memory is dropped wherever the two do not agree.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from time import perf_counter
from typing import Final

from konsento.charging import events, next_events
from konsento.charging.events import Told
from konsento.charging.meter import read
from konsento.charging.next_events import Next
from konsento.charging.running import Running, following, running
from konsento.kit.batches import Batches
from konsento.kit.metrics import Sample
from konsento.models import ChargingSession
from konsento.ocpp.messages import AuthorizationStatus, IdTokenInfo, TransactionEvent, TransactionEventResponse
from konsento.services import Services

MOST_AT_ONCE: Final = 500
"""Events of one transaction."""
MOST_ODD: Final = 32
"""Of them, those that are taken one by one: whoever else wants to write waits for them."""
MOST_WAITING: Final = 50_000
"""Beyond it an event is refused, and the station sends it again. A connection has one at a time in the queue."""
MOST_REMEMBERED: Final = 50_000
"""Running sessions; beyond it the longest known is looked up again."""

_KEPT: Final = TransactionEventResponse()
_KEPT_AND_KNOWN: Final = TransactionEventResponse(id_token_info=IdTokenInfo(status=AuthorizationStatus.ACCEPTED))


class Ingest:
    """What takes in the events of the stations that this process serves."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._batches: Batches[Told, TransactionEventResponse] = Batches(
            self._keep, most=MOST_AT_ONCE, most_waiting=MOST_WAITING
        )
        self._running: dict[tuple[str, str], Running] = {}
        services.metrics.look(self._looked_at)

    async def take(self, station_id: str, event: TransactionEvent) -> TransactionEventResponse:
        """Keep an event and draw the consequences; returns after the commit. Raises where it could not be kept."""
        return await self._batches.put(Told(station_id=station_id, event=event, read=read(event.meter_value or ())))

    async def _keep(self, batch: Sequence[Told]) -> list[TransactionEventResponse]:
        services, now, began = self._services, self._services.clock.now(), perf_counter()
        nexts = self._sort(batch, now)
        batch = batch[: len(nexts)]
        try:
            refused = await next_events.write(services.database, [one for one in nexts if one is not None], now)
            nexts = [None if one is None or one.before.session_id in refused else one for one in nexts]
            odd = [told for told, one in zip(batch, nexts, strict=True) if one is None]
            taken = await self._take(odd)
        except BaseException:
            # How they are now the next try looks up; an event that was written before is then one that came again.
            for told in batch:
                self._running.pop(told.transaction, None)
            raise
        services.metrics.committed(len(batch), perf_counter() - began)
        for one in nexts:
            if one is not None:
                self._running[one.told.transaction] = one.after
                services.live.publish(one.after.session_id)
        for told, (_, charging) in zip(odd, taken, strict=True):
            self._remember(told, running(charging, now) if charging is not None else None)
        answers = iter(taken)
        return [next(answers)[0] if one is None else _answer(one.told) for one in nexts]

    async def _take(self, odd: Sequence[Told]) -> list[tuple[TransactionEventResponse, ChargingSession | None]]:
        if not odd:
            return []
        async with self._services.database.transaction() as session:
            return await events.take(session, self._services, odd)

    def _sort(self, batch: Sequence[Told], now: datetime) -> list[Next | None]:
        """Tell which events are simply the next ones of their sessions, of as many as make a transaction."""
        minutes = self._services.settings.idle_minutes
        idle = timedelta(minutes=minutes) if minutes else None
        nexts: list[Next | None] = []
        met: set[tuple[str, str]] = set()
        odd = 0
        for told in batch:
            key = told.transaction
            before = self._running.get(key)
            after = following(before, told.event, told.read, now, idle) if before is not None else None
            if before is None or after is None or key in met:
                odd += 1
                if odd > MOST_ODD:
                    break
                nexts.append(None)
            else:
                nexts.append(Next(told, before, after))
            met.add(key)
        return nexts

    def _looked_at(self) -> Iterator[Sample]:
        yield "konsento_ingest_waiting_events", "Events that wait for the next commit.", {}, self._batches.waiting

    def _remember(self, told: Told, record: Running | None) -> None:
        if record is None:
            self._running.pop(told.transaction, None)
            return
        self._running[told.transaction] = record
        if len(self._running) > MOST_REMEMBERED:
            del self._running[next(iter(self._running))]


def _answer(told: Told) -> TransactionEventResponse:
    return _KEPT if told.event.id_token is None else _KEPT_AND_KNOWN
