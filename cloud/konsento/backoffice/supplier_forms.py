"""What operators type about suppliers and their contracts, read into what the catalogue takes."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from konsento.catalogue.errors import BadContractTime, BadShares
from konsento.catalogue.suppliers import WantedContract, WantedSupplier
from konsento.kit import typed
from konsento.models import Site, Supplier

_LONGEST_NUMBER = 12


class SupplierForm(BaseModel):
    """A supplier, as typed."""

    code: str = ""
    name: str = ""
    contact: str = ""
    invoice_number: str = ""
    is_operator: bool = False

    @staticmethod
    def of(supplier: Supplier) -> SupplierForm:
        """Return the form as it stands for a supplier."""
        return SupplierForm(**{name: getattr(supplier, name) for name in SupplierForm.model_fields})

    def wanted(self, code: str = "") -> WantedSupplier:
        """Read it; `code` is that of a supplier that there is. The catalogue says what is wrong with it."""
        return WantedSupplier(
            code=code or typed.plain(self.code).upper(),
            name=" ".join(self.name.split()),
            contact=" ".join(self.contact.split()),
            invoice_number=typed.plain(self.invoice_number).upper().replace("-", ""),
            is_operator=self.is_operator,
        )


class ContractForm(BaseModel):
    """A contract, as typed."""

    site: str = ""
    """Its station id; empty: all sites."""
    begins: str = ""
    """As a field for date and time gives it; empty: now."""
    ends: str = ""
    """Likewise; empty: no end is agreed."""
    supplier_share: str = ""
    """Percent."""
    owner_share: str = "0"

    def wanted(self, site: Site | None, now: datetime, zone: str) -> WantedContract:
        """Read it, by the clock of `zone`. Raises a subclass of `BadContract`; the catalogue checks the rest."""
        return WantedContract(
            site_id=site.id if site is not None else None,
            valid_from=moment(self.begins, zone) or now,
            valid_to=moment(self.ends, zone),
            supplier_share=_share(self.supplier_share),
            owner_share=_share(self.owner_share),
        )


def moment(text: str, zone: str) -> datetime | None:
    """Read a moment by the clock of `zone`, None for an empty field. Raises `BadContractTime`."""
    plain = typed.plain(text)
    if not plain:
        return None
    try:
        at = datetime.fromisoformat(plain)
        return at.replace(tzinfo=at.tzinfo or ZoneInfo(zone)).astimezone(UTC)
    except ValueError, OverflowError:
        raise BadContractTime from None


def _share(text: str) -> Decimal:
    plain = typed.plain(text).removesuffix("%").strip() or "0"
    # No exponents: 1e999999 would be reckoned with for a long time.
    if len(plain) > _LONGEST_NUMBER or "e" in plain.lower():
        raise BadShares
    try:
        return (typed.decimal(plain) / 100).normalize() + 0
    except ValueError:
        raise BadShares from None
