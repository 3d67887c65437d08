"""The entries of a bill, and those that take a part of one back."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID, uuid5

from konsento.ledger.service import AccountName, Move
from konsento.models import AccountKind, ChargingSession
from konsento.settlement.billing import Split


def billed(charging: ChargingSession, split: Split, at: datetime) -> list[Move]:
    """Return the entries of a bill: the driver owes it, and who gets what of it."""
    return _entries(charging, _ways(charging, split), named_after=charging.id, at=at)


def taken_back(charging: ChargingSession, split: Split, correction_id: UUID, at: datetime) -> list[Move]:
    """Return the entries that reverse a part of a bill."""
    ways = [(f"{reason}-back", credit, debit, minor) for reason, debit, credit, minor in _ways(charging, split)]
    return _entries(charging, ways, named_after=correction_id, at=at)


type _Way = tuple[str, AccountName, AccountName, int]


def _ways(charging: ChargingSession, split: Split) -> list[_Way]:
    sales = AccountName(AccountKind.SALES, charging.currency)
    others = (
        ("tax", AccountKind.TAX, "", split.tax_minor),
        ("supplier-share", AccountKind.SUPPLIER, charging.supplier_code, split.supplier_minor),
        ("owner-share", AccountKind.SITE_OWNER, str(charging.site_id), split.owner_minor),
    )
    return [
        (
            "bill",
            AccountName(AccountKind.RECEIVABLE, charging.currency, str(charging.driver_id)),
            sales,
            split.amount_minor,
        ),
        *((reason, sales, AccountName(kind, charging.currency, owner), minor) for reason, kind, owner, minor in others),
    ]


def _entries(charging: ChargingSession, ways: Iterable[_Way], *, named_after: UUID, at: datetime) -> list[Move]:
    return [
        Move(
            id=uuid5(named_after, reason),
            reason=reason,
            at=at,
            session_id=charging.id,
            debit=debit,
            credit=credit,
            amount_minor=minor,
        )
        for reason, debit, credit, minor in ways
        if minor
    ]
