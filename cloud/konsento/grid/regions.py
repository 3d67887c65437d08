"""The regions whose grid is looked at, and their rules."""

import re
from dataclasses import dataclass
from typing import Final
from zoneinfo import available_timezones

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.grid.region_errors import BadCode, BadRegionName, BadTimeZone, RegionKnown, UnknownRegion
from konsento.grid.rule import Rule
from konsento.grid.rules import check_rule
from konsento.models import GridRegion

LONGEST_NAME: Final = 60
_CODE: Final = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,8})?")


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
        raise BadCode
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


def _check(wanted: WantedRegion) -> None:
    names = (wanted.name_en, wanted.name_ja)
    if not wanted.name_en.strip() or any(len(name.strip()) > LONGEST_NAME or not _one_line(name) for name in names):
        raise BadRegionName
    if wanted.time_zone not in available_timezones():
        raise BadTimeZone


def _one_line(name: str) -> bool:
    return name.isprintable()
