"""What the page says, in the reader's language. Pure but for `names_of`."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from babel.dates import format_skeleton
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.environment.base import SupplierRow
from konsento.environment.computation.charts import BLOCKS, Block, Column, bar, blocks, columns
from konsento.environment.computation.factors.choice import SELF, Numbered
from konsento.environment.computation.results import Line, Made, total
from konsento.environment.computation.runs import Figures
from konsento.environment.regions import RegionKind, Tree
from konsento.environment.wire import UNKNOWN_SUPPLIER, PowerType
from konsento.kit.i18n import NBSP, Language, marked

METHODS: Final = {
    "market": marked("by supply contract"),
    "location": marked("by grid average"),
    "hourly": marked("by half-hour mix of the grid"),
}
POWER_TYPES: Final = {
    PowerType.SOLAR: marked("solar"),
    PowerType.WIND: marked("wind"),
    PowerType.HYDRO: marked("hydro"),
    PowerType.GEOTHERMAL: marked("geothermal"),
    PowerType.BIOMASS: marked("biomass"),
    PowerType.GAS: marked("gas"),
    PowerType.COAL: marked("coal"),
    PowerType.OIL: marked("oil"),
    PowerType.OTHER: marked("other sources"),
}
REASONS: Final = {
    "measurements": marked("new measurements"),
    "factors": marked("new emission factors"),
    "mix": marked("new fuel mix data"),
    "asked": marked("computed by hand"),
}


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A row of a chart of bars."""

    name: str
    energy: str
    mass: str
    intensity: str
    width: float


@dataclass(frozen=True, kw_only=True)
class Area:
    """A grid area on the map."""

    block: Block
    name: str
    mass: str
    intensity: str
    spoken: str
    """All of it in words, for who cannot see it."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where figures come from, as their licences ask to say."""

    title: str
    url: str
    edition: str
    licence: str
    processed_by: str
    provisional: bool


@dataclass(frozen=True, kw_only=True)
class RunLine:
    """A computation in the list of the latest ones."""

    number: int
    at: str
    reason: str
    mass: str
    difference: str
    """To the one before; empty for the oldest that is shown."""


@dataclass(frozen=True, kw_only=True)
class View:
    """All that the page shows."""

    where: str
    span: str
    method: str
    is_empty: bool
    energy: str
    mass: str
    intensity: str
    scopes: Sequence[tuple[str, str]]
    covered: str
    """Share of the energy whose half hours' mix is known."""
    provisional: bool
    areas: Sequence[Area]
    by_region: Sequence[Bar]
    by_power_type: Sequence[Bar]
    by_supplier: Sequence[Bar]
    over_time: Sequence[Bar]
    time_columns: Sequence[Column]
    rests: int
    """Cells that were put together."""
    left_out: int
    outlets: int
    """That a figure needs to be shown."""
    open_from: str
    sources: Sequence[Source]
    runs: Sequence[RunLine]
    regions: Sequence[tuple[str, str]]
    """Code and name of what can be chosen."""


async def names_of(session: AsyncSession, table: type[SupplierRow]) -> dict[str, str]:
    """Return the suppliers' names by their codes."""
    return {row.code: row.name for row in await session.scalars(select(table))}


def mass_of(figures: Figures, method: str) -> int:
    """Return all scopes by a method, mg CO2e."""
    return figures.scope1 + int(getattr(figures, f"scope2_{method}")) + int(getattr(figures, f"scope3_{method}"))


def grams_of(figures: Figures, method: str) -> Decimal | None:
    """Return g CO2e/kWh, which is mg/Wh; None where there is no energy."""
    return Decimal(mass_of(figures, method)) / figures.wh if figures.wh else None


def mass(language: Language, mg: int) -> str:
    """Return a mass as people say it: `820 g`, `12.4 kg`, `3.21 t`."""
    sign, size = ("−" if mg < 0 else ""), abs(mg)
    if size < 1_000_000:
        return f"{sign}{language.number(Decimal(size) / 1000)}{NBSP}g"
    if size < 1_000_000_000:
        return f"{sign}{language.number(Decimal(size) / 1_000_000, 1)}{NBSP}kg"
    return f"{sign}{language.number(Decimal(size) / 1_000_000_000, 2)}{NBSP}t"


def energy(language: Language, wh: int) -> str:
    """Return an amount of energy as people say it: `4.2 kWh`, `1.27 MWh`."""
    if wh < 1_000_000:
        return f"{language.number(Decimal(wh) / 1000, 1)}{NBSP}kWh"
    return f"{language.number(Decimal(wh) / 1_000_000, 2)}{NBSP}MWh"


def view_of(
    language: Language,
    tree: Tree,
    all_lines: Sequence[Line],
    made: Sequence[Made],
    *,
    factors: Sequence[Numbered],
    suppliers: Mapping[str, str],
    region: str,
    method: str,
) -> View:
    """Return what the page says about a region, with the figures of a method."""
    within = tree.within(region) if region else None
    found = [line for line in all_lines if within is None or line.about["region"] in within]
    all_of_it = total(found)
    maker = _Maker(language, method)
    run = made[0].run
    periods = sorted({line.about["period"] for line in found})
    over_time = maker.by(found, "period", lambda period: maker.period(period, run.period), in_order=True)
    return View(
        where=tree[region].name(language.code) if region else language.text("all regions"),
        span=maker.between(periods, run.period),
        method=language.text(METHODS[method]),
        is_empty=not all_of_it.wh,
        energy=energy(language, all_of_it.wh),
        mass=mass(language, mass_of(all_of_it, method)),
        intensity=maker.intensity(all_of_it),
        scopes=maker.scopes(all_of_it),
        covered=language.percent(_share(all_of_it.hourly_wh, all_of_it.wh)),
        provisional=all_of_it.provisional,
        areas=maker.areas(tree, all_lines) if any(code in tree for code in BLOCKS) else [],
        by_region=maker.by_region(tree, found, region),
        by_power_type=maker.by(found, "power_type", lambda kind: language.text(POWER_TYPES[kind])),
        by_supplier=maker.by(found, "supplier", lambda code: maker.supplier(code, suppliers)),
        over_time=over_time,
        time_columns=columns([(one.name, one.mg) for one in maker.summed(found, "period", in_order=True)]),
        rests=sum(line.merged for line in found),
        left_out=run.left_out,
        outlets={"pilot": 5, "default": 10, "strict": 15}[run.privacy],
        open_from=maker.period(run.open_from, run.period) if run.open_from else "",
        sources=_sources(factors),
        runs=maker.runs(made),
        regions=_choices(language, tree, all_lines),
    )


@dataclass(frozen=True, kw_only=True)
class _Summed:
    name: Any
    figures: Figures
    mg: int


@dataclass(frozen=True)
class _Maker:
    language: Language
    method: str

    def intensity(self, figures: Figures) -> str:
        grams = grams_of(figures, self.method)
        return f"{self.language.number(grams)}{NBSP}g/kWh" if grams is not None else "–"

    def scopes(self, figures: Figures) -> list[tuple[str, str]]:
        values = (
            (marked("Scope 1: plants of the sites"), figures.scope1),
            (marked("Scope 2: electricity for own use"), getattr(figures, f"scope2_{self.method}")),
            (
                marked("Scope 3, category 3: electricity resold to drivers, fuels before the plant, losses"),
                getattr(figures, f"scope3_{self.method}"),
            ),
        )
        return [(self.language.text(name), mass(self.language, value)) for name, value in values]

    def summed(self, found: Iterable[Line], what: str, *, in_order: bool = False) -> list[_Summed]:
        groups: dict[Any, list[Line]] = defaultdict(list)
        for line in found:
            groups[line.about[what]].append(line)
        sums = [(key, total(group)) for key, group in groups.items()]
        made = [_Summed(name=key, figures=one, mg=mass_of(one, self.method)) for key, one in sums]
        return sorted(made, key=lambda one: one.name) if in_order else sorted(made, key=lambda one: -one.figures.wh)

    def by(self, found: Iterable[Line], what: str, name: Callable[[Any], str], *, in_order: bool = False) -> list[Bar]:
        sums = self.summed(found, what, in_order=in_order)
        return self._bars([(name(one.name), one.figures) for one in sums])

    def by_region(self, tree: Tree, found: Sequence[Line], chosen: str) -> list[Bar]:
        """Return the parts that a region is shown by: what lies directly in it, and its own rest."""
        if not chosen:
            chosen = "JP" if "JP" in tree else ""
        groups: dict[str, list[Line]] = defaultdict(list)
        for line in found:
            path = tree.path(line.about["region"])
            at = path.index(chosen) if chosen in path else len(path) - 1
            groups[path[max(0, at - 1)] if at else f"{path[0]} rest"].append(line)
        named = []
        for code, group in groups.items():
            plain, _, rest = code.partition(" ")
            name = tree[plain].name(self.language.code)
            named.append((self.language.text("{region}: not by part", region=name) if rest else name, total(group)))
        return self._bars(sorted(named, key=lambda one: -one[1].wh))

    def _bars(self, named: Sequence[tuple[str, Figures]]) -> list[Bar]:
        largest = max((mass_of(figures, self.method) for _, figures in named), default=0)
        return [
            Bar(
                name=name,
                energy=energy(self.language, figures.wh),
                mass=mass(self.language, mass_of(figures, self.method)),
                intensity=self.intensity(figures),
                width=bar(mass_of(figures, self.method), largest),
            )
            for name, figures in named
        ]

    def areas(self, tree: Tree, all_lines: Sequence[Line]) -> list[Area]:
        groups: dict[str, list[Line]] = defaultdict(list)
        for line in all_lines:
            area = tree.above(line.about["region"], RegionKind.AREA)
            if area is not None:
                groups[area].append(line)
        sums = {area: total(group) for area, group in groups.items()}
        made = []
        for block in blocks({area: grams_of(figures, self.method) for area, figures in sums.items()}):
            figures = sums.get(block.region, Figures())
            name = _short(tree[block.region].name(self.language.code))
            weight = mass(self.language, mass_of(figures, self.method)) if figures.wh else ""
            grams = self.intensity(figures) if figures.wh else "–"
            spoken = (
                self.language.text("{area}: {mass} CO₂e, {intensity}", area=name, mass=weight, intensity=grams)
                if figures.wh
                else self.language.text("{area}: nothing published", area=name)
            )
            made.append(Area(block=block, name=name, mass=weight, intensity=grams, spoken=spoken))
        return made

    def supplier(self, code: str, names: Mapping[str, str]) -> str:
        if code == SELF:
            return self.language.text("the sites' own plants")
        if code == UNKNOWN_SUPPLIER:
            return self.language.text("supplier not known")
        return f"{names[code]} ({code})" if code in names and names[code] != code else code

    def period(self, first: date, span: str) -> str:
        return str(format_skeleton("yMMM" if span == "month" else "yMMMd", first, locale=self.language.dates))

    def between(self, periods: Sequence[date], span: str) -> str:
        if not periods:
            return ""
        first, last = self.period(periods[0], span), self.period(periods[-1], span)
        return first if first == last else self.language.text("{first} to {last}", first=first, last=last)

    def runs(self, made: Sequence[Made]) -> list[RunLine]:
        found = []
        for one, before in zip(made, [*made[1:], None], strict=True):
            mg = mass_of(one.published, self.method)
            gap = mg - mass_of(before.published, self.method) if before is not None else 0
            sign = "+" if gap > 0 else ""
            found.append(
                RunLine(
                    number=one.run.id,
                    at=f"{one.run.at:%Y-%m-%d %H:%M} UTC",
                    reason=self.language.text(REASONS[one.run.reason]),
                    mass=mass(self.language, mg),
                    difference=f"{sign}{mass(self.language, gap)}" if before is not None else "",
                )
            )
        return found


def _short(name: str) -> str:
    return name.removesuffix(" (grid area)").removesuffix("エリア")


def _share(part: int, whole: int) -> Decimal:
    return (Decimal(part) / whole).quantize(Decimal("0.01")) if whole else Decimal(0)


def _sources(factors: Iterable[Numbered]) -> list[Source]:
    found: dict[tuple[str, str], Source] = {}
    for one in factors:
        factor = one.factor
        found.setdefault(
            (factor.title, factor.edition),
            Source(
                title=factor.title,
                url=factor.url,
                edition=factor.edition,
                licence=factor.licence,
                processed_by=factor.processed_by,
                provisional=factor.provisional,
            ),
        )
    return list(found.values())


def _choices(language: Language, tree: Tree, all_lines: Iterable[Line]) -> list[tuple[str, str]]:
    """Return the regions with something in them, and all that they lie in."""
    codes = {code for line in all_lines for code in tree.path(line.about["region"])}
    return [(code, tree[code].name(language.code)) for code in sorted(codes, key=lambda code: tree.path(code)[::-1])]
