"""Words of the wire and the database as a driver reads them. Marked for translation; `Language.text` translates."""

from collections.abc import Mapping

from konsento.kit.i18n import Language, marked
from konsento.kit.power_words import power_type

__all__ = ["end_reason", "paid_from", "payment_method", "power_text", "power_type"]

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


def power_text(language: Language, name: str, own: Mapping[str, str]) -> str:
    """Return what a power type is called: by the operator's own names of it, if it has any."""
    return own.get(language.code) or language.text(power_type(name))


def end_reason(reason: str) -> str:
    """Return the message for why supply ended."""
    return END_REASONS.get(reason, OTHER_REASON)


PAYMENT_METHODS = {
    "balance": marked("Your balance"),
    "fake": marked("Test card (no money moves)"),
}
PAID_FROM = {
    "balance": marked("Paid from your balance"),
    "fake": marked("Paid with the test card (no money moved)"),
}


def payment_method(provider: str) -> str:
    """Return the message for a way to pay."""
    return PAYMENT_METHODS[provider]


def paid_from(provider: str) -> str:
    """Return the message for how something was paid."""
    return PAID_FROM[provider]
