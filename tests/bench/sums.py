"""A million random sessions through pricing and ledger: all sums are exact, and the trial balance is zero.

Each session has a random price (currencies with 0, 2 and 3 decimals, all components, bands, minimum and maximum), a
random usage, discounts, a hold that may be too small, and shares of a contract; a part of the bills is put right
afterwards, in parts. What is checked of each: lines add up to the total, the total is the exact sum rounded down once,
the split adds up to what is paid, what is given back adds up to what was billed, nothing is below zero. Its entries go
into books in memory by the functions that settlement writes with, and those of a sample through the real ledger on
SQLite, whose own check has then nothing to say.
`make bench ONLY=sums SESSIONS=1000000 SEED=1`.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import batched
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final
from uuid import UUID

from konsento import pricing
from konsento.kit.db import Database
from konsento.kit.money import exponent
from konsento.ledger import check
from konsento.ledger import service as ledger
from konsento.ledger.service import AccountName, Move
from konsento.migrations import migrate
from konsento.models import AccountKind, ChargingSession
from konsento.pricing import Band, Component, Discount, DiscountKind, Part, Price, Rate, Usage
from konsento.pricing.bill import PER
from konsento.settlement import billing, booking
from konsento.settlement.billing import Due
from konsento.settlement.measurement import Measurement
from rig.bench import Table

SESSIONS: Final = int(os.environ.get("SESSIONS", "1000000"))
SEED: Final = int(os.environ.get("SEED", "1"))
PROCESSES: Final = os.cpu_count() or 1
SAMPLE: Final = 200
"""One in so many goes through the database."""
CURRENCIES: Final = ("JPY", "EUR", "USD", "KWD")
AT: Final = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
DRIVERS: Final = 500


@dataclass
class Books:
    """What a process has counted."""

    sessions: int = 0
    discounted: int = 0
    unheld: int = 0
    corrected: int = 0
    minor: Counter[str] = field(default_factory=Counter)
    """Billed and not given back, by currency."""
    accounts: Counter[AccountName] = field(default_factory=Counter)
    """Credits less debits."""
    sample: list[Move] = field(default_factory=list)

    def write(self, entries: Sequence[Move], *, sampled: bool) -> None:
        """Add entries."""
        for entry in entries:
            if entry.amount_minor <= 0:
                raise AssertionError(f"an entry of {entry.amount_minor}")
            self.accounts[entry.debit] -= entry.amount_minor
            self.accounts[entry.credit] += entry.amount_minor
        if sampled:
            self.sample += entries


def run() -> Table:
    """Play all sessions, in a process for each core."""
    began = perf_counter()
    shares = [SESSIONS // PROCESSES + (number < SESSIONS % PROCESSES) for number in range(PROCESSES)]
    with ProcessPoolExecutor(PROCESSES) as pool:
        played = list(pool.map(play, shares, range(SEED, SEED + PROCESSES)))
    took = perf_counter() - began
    off: Counter[str] = Counter()
    for books in played:
        for name, balance in books.accounts.items():
            off[name.currency] += balance
    if any(off.values()):
        raise RuntimeError(f"the trial balance is off: {off}")
    entries, findings = asyncio.run(_through_the_database([move for books in played for move in books.sample]))
    if findings:
        raise RuntimeError(str(findings))
    rows = [
        {
            "currency": currency,
            "billed (minor units)": sum(books.minor[currency] for books in played),
            "sales + tax + shares": sum(
                balance
                for books in played
                for name, balance in books.accounts.items()
                if name.currency == currency and name.kind not in {AccountKind.TEST_CARD, AccountKind.RECEIVABLE}
            ),
            "trial balance": off[currency],
        }
        for currency in CURRENCIES
    ]
    if any(row["billed (minor units)"] != row["sales + tax + shares"] for row in rows):
        raise RuntimeError(f"what is billed is not what is booked: {rows}")
    facts = {
        "sessions": sum(books.sessions for books in played),
        "with_discounts": sum(books.discounted for books in played),
        "above_their_hold": sum(books.unheld for books in played),
        "corrected": sum(books.corrected for books in played),
        "sums_exact": True,
        "entries_through_the_database": entries,
        "findings_of_the_check": len(findings),
        "seconds": round(took, 1),
        "seed": SEED,
    }
    return Table(rows=rows, facts=facts)


def play(number: int, seed: int) -> Books:
    """Play sessions; raises AssertionError where a sum is not exact."""
    chance, books = Random(seed), Books()  # noqa: S311  # made-up sessions, no secrets
    for count in range(number):
        _play(chance, books, sampled=count % SAMPLE == 0)
    return books


def _play(chance: Random, books: Books, *, sampled: bool) -> None:
    charging = _charging(chance)
    usage = _usage(chance)
    price = billing.price_of(charging)
    bill = pricing.bill(price, usage)
    if sum(line.amount_minor for line in bill.lines) != bill.total_minor:
        raise AssertionError("the lines are not the total")
    _total_is_exact(price, bill)
    nothing = Measurement(points=(), doubtful=0)
    due = Due(charging=charging, price=price, measured=nothing, usage=usage, bill=bill)
    discounts = _discounts(chance)
    due = due.less(discounts)
    lines = due.lines()
    if sum(line.amount_minor for line in lines) != due.amount_minor or not 0 <= due.amount_minor <= charging.hold_minor:
        raise AssertionError("the lines of the receipt are not its amount")
    _adds_up(due.split)
    books.sessions += 1
    books.discounted += bool(discounts)
    books.unheld += due.unheld_minor > 0
    books.write(booking.billed(charging, due.split, AT), sampled=sampled)
    left = due.amount_minor
    if left:
        books.write([_paid(charging, left)], sampled=sampled)
    if left and chance.random() < 0.1:
        books.corrected += 1
        given = _give_back(chance, due, books, sampled=sampled)
        left -= given
    books.minor[charging.currency] += left


def _give_back(chance: Random, due: Due, books: Books, *, sampled: bool) -> int:
    """Give an amount back in parts; returns how much, which is all of it in half of the cases."""
    charging, price, amount = due.charging, due.price, due.amount_minor
    goal = amount if chance.random() < 0.5 else chance.randint(1, amount)
    given = 0
    while given < goal:
        part = chance.randint(1, goal - given)
        before, after = (billing.split(charging, price, amount - off) for off in (given, given + part))
        back = before.less(after)
        _takes_back(back)
        given += part
        books.write(booking.taken_back(charging, back, UUID(int=chance.getrandbits(128)), AT), sampled=sampled)
    return given


def _adds_up(split: billing.Split) -> None:
    kept = split.amount_minor - split.tax_minor - split.supplier_minor - split.owner_minor
    if min(*split, kept) < 0:
        raise AssertionError(f"somebody gets less than nothing: {split}")


def _takes_back(split: billing.Split) -> None:
    # What stays with the operator may rise: a share that is rounded down takes a whole minor unit back at a time.
    if min(split) < 0:
        raise AssertionError(f"somebody gets more of a bill that is less: {split}")


def _total_is_exact(price: Price, bill: pricing.Bill) -> None:
    """Hold the rates' lines against their exact sum, rounded down once."""
    rates = [line for line in bill.lines if isinstance(line.component, Component)]
    exactly = sum(
        (Fraction(line.unit_price) * 10 ** exponent(price.currency) * line.quantity / PER[line.component])
        for line in rates
        if isinstance(line.component, Component)
    )
    if sum(line.amount_minor for line in rates) != int(exactly):
        raise AssertionError("the total is not the exact sum rounded down")


def _charging(chance: Random) -> ChargingSession:
    currency = chance.choice(CURRENCIES)
    supplier = Decimal(chance.randint(0, 90)) / 100
    return ChargingSession(
        id=UUID(int=chance.getrandbits(128)),
        driver_id=UUID(int=chance.randrange(DRIVERS)),
        site_id=UUID(int=chance.randrange(20)),
        currency=currency,
        price=_price(chance, currency).to_dict(),
        supplier_code=f"A{chance.randrange(10):04}",
        supplier_share=supplier,
        owner_share=(1 - supplier) * chance.randint(0, 10) / 10,
        hold_minor=chance.choice((0, 1_000, 10**6, 10**9)),
    )


def _price(chance: Random, currency: str) -> Price:
    scale = Decimal(10) ** -exponent(currency)
    rates = [Rate(component=Component.ENERGY, price=chance.randint(0, 99_999) * scale / 100)]
    if chance.random() < 0.4:
        night = Band(from_minute=chance.randrange(1440), to_minute=chance.randint(1, 1440))
        if night.from_minute != night.to_minute % 1440:
            rates.append(Rate(component=Component.ENERGY, price=chance.randint(0, 50_000) * scale / 100, band=night))
    if chance.random() < 0.4:
        rates.append(Rate(component=Component.TIME, price=chance.randint(0, 5_000) * scale / 1000))
    if chance.random() < 0.3:
        rates.append(Rate(component=Component.SESSION, price=chance.randint(0, 500) * scale))
    if chance.random() < 0.3:
        price = chance.randint(0, 2_000) * scale / 100
        rates.append(Rate(component=Component.IDLE, price=price, free_s=chance.randrange(1800)))
    return Price(
        currency=currency,
        tax_rate=Decimal(chance.choice(("0", "0.08", "0.1", "0.19", "0.077"))),
        tax_included=chance.random() < 0.7,
        rates=tuple(rates),
        min_minor=chance.randint(0, 300) if chance.random() < 0.1 else None,
        max_minor=chance.randint(300, 5_000) if chance.random() < 0.1 else None,
        time_zone="Asia/Tokyo",
    )


def _usage(chance: Random) -> Usage:
    at = begin = AT + timedelta(seconds=chance.randrange(86_400))
    parts = []
    for _ in range(chance.randint(0, 6)):
        seconds, idle = chance.randint(1, 5_400), chance.random() < 0.2
        until = at + timedelta(seconds=seconds)
        mwh = 0 if idle else chance.randint(0, 833 * seconds)
        parts.append(Part(begin=at, end=until, mwh=mwh, supply_s=seconds, idle=idle))
        at = until
    return Usage(begin=begin, parts=tuple(parts))


def _discounts(chance: Random) -> list[Discount]:
    found = []
    if chance.random() < 0.15:
        kind = chance.choice((DiscountKind.PERCENT, DiscountKind.AMOUNT, DiscountKind.ENERGY))
        most = {DiscountKind.PERCENT: 100, DiscountKind.AMOUNT: 2_000, DiscountKind.ENERGY: 5_000}[kind]
        found.append(Discount(kind=kind, value=Decimal(chance.randint(1, most)), code="CODE"))
    if chance.random() < 0.1:
        found.append(Discount(kind=DiscountKind.POINTS, value=Decimal(chance.randint(1, 300))))
    return found


def _paid(charging: ChargingSession, amount: int) -> Move:
    owner = str(charging.driver_id)
    return Move(
        id=UUID(int=charging.id.int ^ 1),
        reason="capture",
        at=AT,
        debit=AccountName(AccountKind.TEST_CARD, charging.currency, owner),
        credit=AccountName(AccountKind.RECEIVABLE, charging.currency, owner),
        amount_minor=amount,
    )


async def _through_the_database(entries: Sequence[Move]) -> tuple[int, list[check.Finding]]:
    with TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'sums.sqlite3'}"
        await asyncio.to_thread(migrate, url)
        database = Database(url)
        for some in batched(entries, 500, strict=False):
            async with database.transaction() as session:
                # The sessions are made up, so their entries belong to none.
                await ledger.write(session, [_without_session(entry) for entry in some])
        async with database.transaction() as session:
            findings = [*await check.trial_balance(session), *await check.account_sums(session)]
        await database.close()
    return len(entries), findings


def _without_session(entry: Move) -> Move:
    return Move(
        id=entry.id,
        reason=entry.reason,
        at=entry.at,
        debit=entry.debit,
        credit=entry.credit,
        amount_minor=entry.amount_minor,
    )
