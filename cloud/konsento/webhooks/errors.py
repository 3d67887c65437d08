"""Why an endpoint cannot be used, in the driver's words."""

from konsento.kit.errors import KonsentoError


class UnknownWebhook(KonsentoError):
    """There is no such endpoint, or it is another driver's: the answer does not tell which."""

    status = 404
    message = "There is no such webhook among yours."


class UnknownDelivery(KonsentoError):
    """There is no such delivery at this endpoint, or it is older than the log reaches."""

    status = 404
    message = "There is no such delivery in the log of this webhook, which reaches back 30 days."


class BadWebhookAddress(KonsentoError):
    """Not an address that anything may be sent to."""

    status = 422
    message = "A webhook needs a complete address with https:// and a public host, without a user name or a “#”."


class TooManyWebhooks(KonsentoError):
    """More endpoints than a driver can have."""

    message = "You have {maximum} webhooks, which is the most. Remove one that you do not need any more."


class WebhookDisabled(KonsentoError):
    """Nothing is sent to an endpoint that was given up."""

    message = "This webhook is switched off, so nothing is sent. Switch it on first."
