"""Words of the wire and the database as a driver reads them. Marked for translation; `Language.text` translates."""

from konsento.kit.i18n import marked

END_REASONS = {
    "EnergyLimitReached": marked("the chosen amount was reached"),
    "TimeLimitReached": marked("the time was up"),
    "Remote": marked("you stopped it"),
    "Local": marked("stopped at the outlet"),
    "PowerLoss": marked("the power failed"),
    "EVDisconnected": marked("the car took no more power"),
    "Timeout": marked("no car took any power"),
    "OvercurrentFault": marked("the outlet switched off because of too much current"),
    "GroundFault": marked("an earth fault"),
}
OTHER_REASON = marked("another reason")


def end_reason(reason: str) -> str:
    """Return the message for why supply ended."""
    return END_REASONS.get(reason, OTHER_REASON)


PAYMENT_METHODS = {
    "balance": marked("Your balance"),
    "fake": marked("Test card (no money moves)"),
    "later": marked("Pay at the end"),
    "bill": marked("By bill"),
    "card": marked("Card, Apple Pay, Google Pay"),
    "paypay": "PayPay",
    "konbini": marked("Convenience store"),
}
OTHER_WAY = marked("Another way to pay")
PAID_FROM = {
    "balance": marked("Paid from your balance"),
    "fake": marked("Paid with the test card (no money moved)"),
    "later": marked("To be paid at the end"),
    "bill": marked("By bill"),
    "card": marked("Paid by card"),
    "paypay": marked("Paid with PayPay"),
    "konbini": marked("Paid at a convenience store"),
}
PAID_OTHERWISE = marked("Paid in another way")
CARD_BRANDS = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "amex": "American Express",
    "jcb": "JCB",
    "diners": "Diners Club",
    "discover": "Discover",
    "unionpay": "UnionPay",
}


def payment_method(name: str) -> str:
    """Return the message for a way to pay: a provider of ours, or an external one's word for what is paid with."""
    return PAYMENT_METHODS.get(name, OTHER_WAY)


def paid_from(name: str) -> str:
    """Return the message for how something was paid."""
    return PAID_FROM.get(name, PAID_OTHERWISE)


POINTS_REASONS = {
    "points-earned": marked("Earned by charging"),
    "points-spent": marked("Taken off a bill"),
    "points-expired": marked("Expired"),
    "points-correction": marked("Corrected by us"),
    "points-returned": marked("Came back with a refund"),
    "points-taken-back": marked("Taken back with a refund"),
}


def points_reason(reason: str) -> str:
    """Return the message for why points came or went."""
    return POINTS_REASONS[reason]


def card_name(brand: str, last4: str) -> str:
    """Return what a driver recognises a card by."""
    return f"{CARD_BRANDS.get(brand, brand.title())} •••• {last4}"
