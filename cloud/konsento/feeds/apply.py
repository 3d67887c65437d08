"""Bringing regions of the grid and data sources to what a provisioning file says."""

from collections.abc import Iterable
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.feeds import sources
from konsento.feeds.sources import WantedSource
from konsento.grid.areas import AREAS
from konsento.grid.records import Supply
from konsento.grid.regions import WantedRegion, add_region, change_region, rule_of
from konsento.grid.rule import Reference, ReferenceMode, Rule, Threshold, ThresholdUnit
from konsento.kit.errors import KonsentoError
from konsento.models import GridRegion, GridSource
from konsento.settings import Settings
from konsento.sites.provisioning import BadFileError, Changes, Name, Table


class ReferenceEntry(Table):
    """`reference`: by how much supply has to exceed demand."""

    mode: ReferenceMode = ReferenceMode.AUTO
    value: Decimal = Decimal(60)
    """Percent of demand, or the percentile."""


class ThresholdEntry(Table):
    """`threshold`: what the first type's generation has to be at least."""

    unit: ThresholdUnit = ThresholdUnit.SHARE
    value: Decimal = Decimal(30)
    """MW, or percent."""


class RuleEntry(Table):
    """`rule`: when charging is recommended; what is left out is as for a new region."""

    reference: ReferenceEntry = ReferenceEntry()
    threshold: ThresholdEntry = ThresholdEntry()
    supply: Supply = Supply.GENERATION
    shortest_minutes: int = 120
    gap_slots: int = 1
    most_a_day: int = 2

    def rule(self) -> Rule:
        """Return it as regions take it."""
        return Rule(
            reference=Reference(mode=self.reference.mode, value=self.reference.value),
            threshold=Threshold(unit=self.threshold.unit, value=self.threshold.value),
            supply=self.supply,
            shortest_minutes=self.shortest_minutes,
            gap_slots=self.gap_slots,
            most_a_day=self.most_a_day,
        )


class RegionEntry(Table):
    """`[[regions]]`."""

    code: str
    name_en: str | None = None
    name_ja: str | None = None
    time_zone: str | None = None
    """These three left out: as for an area that is known here, unchanged for a region that is there."""
    rule: RuleEntry | None = None
    """Left out: the usual one for a new region, unchanged for another."""
    advises: bool | None = None
    """Likewise: not for a new region."""


class SourceEntry(Table):
    """`[[sources]]`."""

    name: Name
    format: str
    region: str | None = None
    url: str = ""
    folder: str = ""
    secret: str | None = None
    """Left out: none for a new source, unchanged for another."""
    every_s: int = 3600
    stale_after_s: int = 129_600


async def apply_grid(
    session: AsyncSession,
    regions: Iterable[RegionEntry],
    wanted: Iterable[SourceEntry],
    settings: Settings,
    changes: Changes,
) -> None:
    """Add or change regions, and then the sources, which may be about them. Raises `BadFileError`."""
    for region in regions:
        await _apply_region(session, region, changes)
    for source in wanted:
        await _apply_source(session, source, settings, changes)


async def _apply_region(session: AsyncSession, entry: RegionEntry, changes: Changes) -> None:
    found = await session.get(GridRegion, entry.code)
    there = found or AREAS.get(entry.code)
    if there is None and (entry.name_en is None or entry.time_zone is None):
        raise BadFileError(f"region {entry.code}: it is not known here; name_en and time_zone are needed")
    wanted = WantedRegion(
        code=entry.code,
        name_en=entry.name_en if entry.name_en is not None else getattr(there, "name_en", ""),
        name_ja=entry.name_ja if entry.name_ja is not None else getattr(there, "name_ja", ""),
        time_zone=entry.time_zone if entry.time_zone is not None else getattr(there, "time_zone", ""),
    )
    try:
        if found is None:
            rule = entry.rule.rule() if entry.rule is not None else Rule()
            await add_region(session, wanted, rule, advises=bool(entry.advises))
            changes.note(f"region {entry.code}: added")
            return
        before = _as_it_is(found)
        rule = entry.rule.rule() if entry.rule is not None else rule_of(found)
        change_region(found, wanted, rule, advises=found.advises if entry.advises is None else entry.advises)
    except KonsentoError as error:
        raise BadFileError(f"region {entry.code}: {error}") from error
    for name, value in _as_it_is(found).items():
        if before[name] != value:
            changes.note(f"region {entry.code}: {name} is now {value!r}")


def _as_it_is(region: GridRegion) -> dict[str, object]:
    return {name: getattr(region, name) for name in ("name_en", "name_ja", "time_zone", "rule", "advises")}


async def _apply_source(session: AsyncSession, entry: SourceEntry, settings: Settings, changes: Changes) -> None:
    wanted = WantedSource(**entry.model_dump(exclude={"secret"}))
    found = await session.scalar(select(GridSource).where(GridSource.name == entry.name))
    try:
        if found is None:
            await sources.add_source(session, settings, wanted, entry.secret or "")
            changes.note(f"source {entry.name}: added")
            return
        new_key = entry.secret is not None and entry.secret != found.secret
        new = await sources.change_source(session, settings, found, wanted, entry.secret)
    except KonsentoError as error:
        raise BadFileError(f"source {entry.name}: {error}") from error
    for name, value in new.items():
        changes.note(f"source {entry.name}: {name} is now {str(value)!r}")
    if new_key:
        changes.note(f"source {entry.name}: new key")
