"""Tariffs: what charging costs, where it comes from, and from when until when that holds."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from konsento.kit.db import Base


class Tariff(Base):
    """A price in its validity. A changed price is a new row, so that old sessions can always be explained."""

    __tablename__ = "tariffs"
    __table_args__ = (UniqueConstraint("name", "valid_from"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    """Outlets refer to it by this name; several rows of one name follow each other in time."""
    unit_price: Mapped[Decimal]
    """The headline of `rates`: per kWh in major units (yen, euros), tax included; 0 where energy costs nothing."""
    rates: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    """All that it costs, as `pricing.Rate.to_dict` gives it."""
    follows: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What the price of energy follows, as `pricing.following` gives it; None for nothing: it is what `rates` say."""
    tax_included: Mapped[bool] = mapped_column(default=True)
    """Whether the rates contain the tax; where not, it is added."""
    min_minor: Mapped[int | None] = mapped_column(BigInteger)
    """The least that one charging costs, tax included."""
    max_minor: Mapped[int | None] = mapped_column(BigInteger)
    """The most that one charging costs, tax included."""
    currency: Mapped[str] = mapped_column(String(3))
    """ISO 4217."""
    tax_rate: Mapped[Decimal]
    """Share of tax on the net price: 0.10 for 10 %."""
    power_type: Mapped[str] = mapped_column(String(20))
    """A word of `catalogue.power`: solar, wind, hydro, geothermal, biomass, gas, coal, oil, other, or an own one."""
    supplier: Mapped[str] = mapped_column(String(100))
    """Who sells the power."""
    supplier_code: Mapped[str] = mapped_column(String(32), default="")
    """The supplier's registration number (A0269), by which measurements name it; empty where none was given."""
    carbon_g_per_kwh: Mapped[int | None]
    """What the power's making emits, as its supplier states it: g of CO2 equivalent per kWh. None: not known."""
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    """Not valid any more at this moment; open without."""
