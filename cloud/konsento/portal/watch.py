"""What the suppliers say they sell: asked when somebody looks, kept for a moment, and shown with its age."""

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import aiohttp

from konsento.kit.asking import NoAnswer, ask
from konsento.kit.clock import Clock
from konsento.kit.offers import OutletOffers, SupplierOffers
from konsento.portal.directory import Place, SupplierEntry

log = logging.getLogger(__name__)

NEW: Final = timedelta(seconds=20)
"""What is not older is not asked for again."""
STALE: Final = timedelta(minutes=10)
"""What is older is not shown."""
PATIENCE_S: Final = 2.0
"""How long a page waits for suppliers; what comes later is there for the next one."""
TIMEOUT_S: Final = 8.0
AT_ONCE: Final = 16
"""Questions side by side; more visitors wait for answers that are on the way, or see what is known."""
MOST_KEPT: Final = 5000


@dataclass(frozen=True, kw_only=True)
class Word:
    """What a supplier said about an outlet."""

    outlet: OutletOffers | None
    """None: it knows no such outlet."""
    at: datetime


class Watch:
    """Asks and remembers."""

    def __init__(self, http: aiohttp.ClientSession, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._places = asyncio.Semaphore(AT_ONCE)
        self._words: OrderedDict[tuple[str, str], Word] = OrderedDict()
        self._asking: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def words(self, place: Place) -> dict[str, Word]:
        """Return what suppliers say about an outlet, by id; one that has not said anything lately is left out."""
        now = self._clock.now()
        tasks = [self._asked(supplier, place) for supplier in place.suppliers if not self._is_new(supplier, place, now)]
        if tasks:
            # They go on when the page has waited long enough.
            await asyncio.wait(tasks, timeout=PATIENCE_S)
        now = self._clock.now()
        found = {one.id: self._words.get((one.id, place.common_name)) for one in place.suppliers}
        return {name: word for name, word in found.items() if word is not None and now - word.at <= STALE}

    def _is_new(self, supplier: SupplierEntry, place: Place, now: datetime) -> bool:
        word = self._words.get((supplier.id, place.common_name))
        return word is not None and now - word.at <= NEW

    def _asked(self, supplier: SupplierEntry, place: Place) -> asyncio.Task[None]:
        """Return the question that is under way; one for all visitors."""
        key = (supplier.id, place.common_name)
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._ask(supplier, place), name=f"offers of {supplier.id}")
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        return task

    async def _ask(self, supplier: SupplierEntry, place: Place) -> None:
        try:
            async with self._places:
                told = await ask(self._http, supplier.url, place.common_name, TIMEOUT_S)
        except NoAnswer as error:
            log.info("supplier %s told nothing: %s", supplier.id, error)
            return
        key = (supplier.id, place.common_name)
        self._words[key] = Word(outlet=_outlet(told, place), at=self._clock.now())
        self._words.move_to_end(key)
        if len(self._words) > MOST_KEPT:
            self._words.popitem(last=False)

    async def close(self) -> None:
        """Ask no more."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _outlet(told: SupplierOffers | None, place: Place) -> OutletOffers | None:
    outlet = told.of(place.outlet.number) if told is not None else None
    return outlet if outlet is not None and outlet.outlet == place.common_name else None
