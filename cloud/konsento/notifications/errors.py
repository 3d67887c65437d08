"""Why a notice cannot be set up, in the driver's words."""

from konsento.kit.errors import KonsentoError


class PushRefused(KonsentoError):
    """The browser's push service is none that notices may go to, or the subscription cannot be read."""

    status = 422
    message = "Notices to this browser are not possible. Choose the e-mail instead."
