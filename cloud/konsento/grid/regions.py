"""The regions whose grid is looked at, and their rules."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from zoneinfo import available_timezones

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.grid.region_errors import BadRegion, BadRule, RegionKnown, UnknownRegion
from konsento.grid.rule import ReferenceMode, Rule, ThresholdUnit
from konsento.models import GridRegion

LONGEST_NAME: Final = 60
_CODE: Final = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,8})?")
_REFERENCE: Final = (Decimal(-100), Decimal(1000))
_MOST_MW: Final = Decimal(1_000_000)
_DIGITS: Final = 3
"""After the point: of percentages and MW."""


@dataclass(frozen=True, kw_only=True)
class WantedRegion:
    """What is said about a region."""

    code: str
    name_en: str
    name_ja: str
    time_zone: str


async def all_regions(session: AsyncSession) -> list[GridRegion]:
    """Return all regions by code."""
    return list(await session.scalars(select(GridRegion).order_by(GridRegion.code)))


async def find_region(session: AsyncSession, code: str) -> GridRegion:
    """Return a region. Raises `UnknownRegion`."""
    region = await session.get(GridRegion, code)
    if region is None:
        raise UnknownRegion
    return region


async def add_region(session: AsyncSession, wanted: WantedRegion, rule: Rule, *, advises: bool) -> GridRegion:
    """Add a region. Raises `BadRegion`, `BadRule`, `RegionKnown`."""
    if not _CODE.fullmatch(wanted.code):
        raise BadRegion
    _check(wanted)
    check_rule(rule)
    if await session.get(GridRegion, wanted.code) is not None:
        raise RegionKnown
    region = GridRegion(
        code=wanted.code,
        name_en=wanted.name_en.strip(),
        name_ja=wanted.name_ja.strip(),
        time_zone=wanted.time_zone,
        rule=rule.to_dict(),
        advises=advises,
    )
    session.add(region)
    await session.flush()
    return region


def change_region(region: GridRegion, wanted: WantedRegion, rule: Rule, *, advises: bool) -> None:
    """Change all but the code of a region. Raises `BadRegion`, `BadRule`."""
    _check(wanted)
    check_rule(rule)
    region.name_en, region.name_ja = wanted.name_en.strip(), wanted.name_ja.strip()
    region.time_zone = wanted.time_zone
    region.rule = rule.to_dict()
    region.advises = advises


def rule_of(region: GridRegion) -> Rule:
    """Return the rule of a region."""
    return Rule.from_dict(region.rule)


def name_of(region: GridRegion, language: str) -> str:
    """Return the name of a region in a language, as far as there is one."""
    return (region.name_ja or region.name_en) if language == "ja" else region.name_en


def check_rule(rule: Rule) -> None:
    """Raise `BadRule` where a rule cannot be."""
    reference, threshold = rule.reference, rule.threshold
    if not all(_short(value) for value in (reference.value, threshold.value)):
        raise BadRule
    good = 5 <= rule.shortest_minutes <= 1440 and 0 <= rule.gap_slots <= 4 and 1 <= rule.most_a_day <= 6
    if reference.mode is ReferenceMode.PERCENT:
        good = good and _REFERENCE[0] <= reference.value <= _REFERENCE[1]
    elif reference.mode is ReferenceMode.AUTO:
        good = good and 0 <= reference.value <= 100
    most = _MOST_MW if threshold.unit is ThresholdUnit.MW else Decimal(100)
    if not good or not 0 <= threshold.value <= most:
        raise BadRule


def _short(value: Decimal) -> bool:
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -_DIGITS


def _check(wanted: WantedRegion) -> None:
    names = (wanted.name_en, wanted.name_ja)
    if not wanted.name_en.strip() or any(len(name.strip()) > LONGEST_NAME or not _one_line(name) for name in names):
        raise BadRegion
    if wanted.time_zone not in available_timezones():
        raise BadRegion


def _one_line(name: str) -> bool:
    return name.isprintable()
