"""Why there is no document, in the driver's words."""

from konsento.kit.errors import KonsentoError


class NoInvoice(KonsentoError):  # named like a reason, as every KonsentoError
    """There is no such document, or it is another driver's: the answer does not tell which."""

    status = 404
    message = "There is no such invoice."


class InvoiceLinkOver(KonsentoError):
    """The link of a mail is too old, is no link of ours, or its driver is deleted."""

    status = 404
    message = "This link has run out. Sign in to see your invoices."


class RecipientIncomplete(KonsentoError):
    """An address without a name."""

    status = 422
    message = "Type the name of the company or person that the invoice is for."


class CreditTooLarge(KonsentoError):
    """Nothing is to be given back, or more than the invoice still says."""

    status = 409
    message = "This cannot be given back: the invoice {invoice} still says {left} in minor units of {currency}."
