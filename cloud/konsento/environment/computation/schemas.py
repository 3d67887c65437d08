"""What the computation system's operations answer."""

from datetime import date, datetime
from decimal import Decimal
from typing import Self

from pydantic import BaseModel, Field

from konsento.environment.computation.factors.choice import Numbered
from konsento.environment.computation.factors.factor import Kind
from konsento.environment.computation.models import Run
from konsento.environment.computation.reading import Told
from konsento.environment.computation.results import Change, Line, Made
from konsento.environment.computation.runs import NUMBERS, Figures
from konsento.environment.wire import PowerType, Use


class FiguresOut(BaseModel):
    """Energy, and greenhouse gases in mg CO2e. Scopes of one method add up; methods do not."""

    wh: int = Field(description="Energy, Wh.")
    hourly_wh: int = Field(description="Energy in half hours whose fuel mix is known, Wh.")
    scope1: int = Field(description="Of the site's own plant. In every method.")
    scope2_location: int = Field(description="Own use, by the average of the grid.")
    scope2_market: int = Field(description="Own use, by what the supplier publishes.")
    scope2_hourly: int = Field(description="Own use, by the mix of each half hour; where unknown by the average.")
    scope3_location: int = Field(description="Category 3: before the plant, losses, and all of what is resold.")
    scope3_market: int
    scope3_hourly: int
    provisional: bool = Field(description="A factor stands in for one that is still to be published.")
    factors: list[int] = Field(description="Numbers of the factors used; see /v1/factors.")

    @classmethod
    def of(cls, figures: Figures) -> Self:
        """Return figures as they are answered."""
        numbers = {name: getattr(figures, name) for name in NUMBERS}
        return cls(**numbers, provisional=figures.provisional, factors=sorted(figures.factors))


class LineOut(FiguresOut):
    """A figure; what it is not split by is null."""

    period: date | None = Field(default=None, description="Its first day.")
    region: str | None = None
    power_type: PowerType | None = None
    supplier: str | None = None
    use: Use | None = None
    rest: bool = Field(description="The rest of the region: cells too small to be shown by themselves, put together.")
    merged: int = Field(description="Of how many such cells.")
    outlets: int | None = Field(description="At least so many; null where figures were added up.")

    @classmethod
    def of_line(cls, line: Line) -> Self:
        """Return a line as it is answered."""
        figures = FiguresOut.of(line.figures).model_dump()
        return cls(**figures, **line.about, rest=line.rest, merged=line.merged, outlets=line.outlets)


class RunOut(BaseModel):
    """A computation of everything."""

    id: int
    at: datetime
    reason: str = Field(description="measurements, factors, mix or asked.")
    period: str = Field(description="day or month.")
    privacy: str = Field(description="pilot, default or strict.")
    left_out: int = Field(description="Cells too small to be shown even together; they are in no total.")
    without_factors: int = Field(
        description="Groups and periods that no factor is known for: import one. They are in no result."
    )
    open_from: date | None = Field(description="From this period on nothing is published yet.")
    mix_factors: list[int] = Field(description="Factors that fuel mixes were valued with.")

    @classmethod
    def of(cls, run: Run) -> Self:
        """Return a run as it is answered."""
        return cls(**{name: getattr(run, name) for name in cls.model_fields})


class ResultsOut(BaseModel):
    """Figures of a run."""

    run: RunOut
    exact: bool
    rows: list[LineOut]
    total: FiguresOut = Field(description="Sum of the rows.")


class RunWithTotal(RunOut):
    """A run and the sum of what it published."""

    published: FiguresOut

    @classmethod
    def of_made(cls, made: Made) -> Self:
        """Return a run and its total as they are answered."""
        return cls(**RunOut.of(made.run).model_dump(), published=FiguresOut.of(made.published))


class ChangeOut(BaseModel):
    """A figure that differs between two runs."""

    period: date
    region: str
    power_type: PowerType
    supplier: str
    use: Use
    before: FiguresOut
    after: FiguresOut

    @classmethod
    def of(cls, change: Change) -> Self:
        """Return a change as it is answered."""
        return cls(**change.about, before=FiguresOut.of(change.before), after=FiguresOut.of(change.after))


class DifferenceOut(BaseModel):
    """Where two runs differ."""

    before: RunOut
    after: RunOut
    changes: list[ChangeOut]


class FactorOut(BaseModel):
    """A factor with its provenance."""

    id: int
    kind: Kind
    region: str
    power_type: str
    retailer: str
    menu: str
    value: Decimal
    unit: str
    delivered: bool = Field(description="Per kWh that reaches customers: grid losses are in it.")
    gases: str
    valid_from: date
    valid_to: date | None
    provisional: bool
    title: str
    url: str
    edition: str
    licence: str
    processed_by: str
    name: str
    note: str

    @classmethod
    def of(cls, one: Numbered) -> Self:
        """Return a factor as it is answered."""
        return cls(id=one.id, **one.factor.__dict__)


class HalfHourRow(BaseModel):
    """Energy of a region, power type and supplier in a half hour."""

    start: datetime
    region: str
    power_type: PowerType
    supplier: str
    wh: int


class ToldOut(BaseModel):
    """What is told about a row of an imported file."""

    row: int = Field(description="Line of the file, from 1; 0 for the whole file.")
    reason: str
    detail: str
    refused: bool = Field(description="The row was left out; otherwise it was mended by a stated rule.")

    @classmethod
    def of(cls, told: Told) -> Self:
        """Return what is told as it is answered."""
        return cls(row=told.row, reason=told.reason, detail=told.detail, refused=told.refused)


class Imported(BaseModel):
    """What became of a file. A new run follows."""

    added: int
    changed: int = Field(description="Half hours that say otherwise than before.")
    told: list[ToldOut]


class Asking(BaseModel):
    """How many senders are asked; each learns of it when it looks next."""

    asked: int
