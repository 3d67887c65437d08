"""Where power comes from: a tree of standard types, which the operator extends by its own.

What crosses to sites and to the platform is one of the words that the contract has (docs/contracts.md §4): an own type
travels as its nearest ancestor that has one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.catalogue.errors import BadPowerName, PowerTypeInUse, PowerTypeTaken, UnknownPowerType
from konsento.models import PowerType, Tariff

RENEWABLE: Final = "renewable"
"""The group of all types without a fuel. It is no type that is sold."""
OTHER: Final = "other"
STANDARD: Final[Mapping[str, str | None]] = {
    RENEWABLE: None,
    "solar": RENEWABLE,
    "wind": RENEWABLE,
    "hydro": RENEWABLE,
    "geothermal": RENEWABLE,
    "biomass": RENEWABLE,
    OTHER: None,
    "gas": OTHER,
    "coal": OTHER,
    "oil": OTHER,
}
"""Every standard type with what it is a part of."""
TRAVELLING: Final = frozenset(STANDARD) - {RENEWABLE}
"""Words that sites, platform and computation system take."""
LONGEST_NAME: Final = 60
DEEPEST: Final = 5
"""Types above one another, the standard ones included."""
_WORD: Final = re.compile(r"[a-z][a-z0-9-]{1,19}")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A power type in the tree."""

    word: str
    parent: str | None
    depth: int
    """0 for what lies below nothing."""
    travels_as: str
    """The standard word that sites and platform get."""
    renewable: bool
    names: Mapping[str, str]
    """What the operator calls it, by language; empty for a standard type, which the pages have a word for."""

    @property
    def own(self) -> bool:
        """Tell whether the operator has added it."""
        return bool(self.names)

    @property
    def sold(self) -> bool:
        """Tell whether a tariff can be of it."""
        return self.word != RENEWABLE


class PowerTree:
    """All power types; iterating goes down the branches, each type after what it is a part of."""

    def __init__(self, own: Iterable[PowerType] = ()) -> None:
        rows = {row.word: row for row in own}
        below: dict[str | None, list[str]] = {}
        for word, parent in STANDARD.items():
            below.setdefault(parent, []).append(word)
        for word in sorted(rows):
            below.setdefault(rows[word].parent, []).append(word)
        self._kinds: dict[str, Kind] = {}
        for word in below[None]:
            self._add(word, None, below, rows)

    def _add(
        self, word: str, above: Kind | None, below: Mapping[str | None, list[str]], rows: Mapping[str, PowerType]
    ) -> None:
        row = rows.get(word)
        kind = Kind(
            word=word,
            parent=above.word if above is not None else None,
            depth=above.depth + 1 if above is not None else 0,
            travels_as=word if word in TRAVELLING else above.travels_as if above is not None else OTHER,
            renewable=above.renewable if above is not None else word == RENEWABLE,
            names={"en": row.name_en, "ja": row.name_ja} if row is not None else {},
        )
        self._kinds[word] = kind
        for part in below.get(word, ()):
            self._add(part, kind, below, rows)

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._kinds.values())

    def get(self, word: str) -> Kind | None:
        """Return the type of this word, or None."""
        return self._kinds.get(word)

    def kind(self, word: str) -> Kind:
        """Return the type of this word; one that is not there any more counts as other power."""
        return self._kinds.get(word) or self._kinds[OTHER]


async def power_tree(session: AsyncSession) -> PowerTree:
    """Return all power types."""
    return PowerTree(await session.scalars(select(PowerType)))


async def check_power_type(session: AsyncSession, word: str) -> None:
    """Raise `UnknownPowerType` for what no tariff can be of."""
    kind = (await power_tree(session)).get(word)
    if kind is None or not kind.sold:
        raise UnknownPowerType


async def add_power_type(session: AsyncSession, *, word: str, parent: str, name_en: str, name_ja: str) -> PowerType:
    """Add a type below another one. Raises a subclass of `BadPowerType`."""
    tree = await power_tree(session)
    above = tree.get(parent)
    if above is None or above.depth + 1 >= DEEPEST:
        raise UnknownPowerType
    if not _WORD.fullmatch(word):
        raise BadPowerName(most=LONGEST_NAME)
    if tree.get(word) is not None:
        raise PowerTypeTaken(word=word)
    row = PowerType(word=word, parent=parent, name_en=_name(name_en), name_ja=_name(name_ja))
    session.add(row)
    await session.flush()
    return row


async def rename_power_type(session: AsyncSession, word: str, *, name_en: str, name_ja: str) -> None:
    """Call an own type by other names. Raises a subclass of `BadPowerType`."""
    row = await session.get(PowerType, word)
    if row is None:
        raise UnknownPowerType
    row.name_en, row.name_ja = _name(name_en), _name(name_ja)


async def remove_power_type(session: AsyncSession, word: str) -> None:
    """Remove an own type that no tariff was ever of and that has no types below it.

    Raises a subclass of `BadPowerType`.
    """
    row = await session.get(PowerType, word)
    if row is None:
        raise UnknownPowerType
    used = select(Tariff.id).where(Tariff.power_type == word).exists()
    parent_of = select(PowerType.word).where(PowerType.parent == word).exists()
    if await session.scalar(select(or_(used, parent_of))):
        raise PowerTypeInUse
    await session.delete(row)
    await session.flush()


def _name(text: str) -> str:
    plain = " ".join(text.split())
    if not 0 < len(plain) <= LONGEST_NAME:
        raise BadPowerName(most=LONGEST_NAME)
    return plain
