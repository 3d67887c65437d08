"""Why there is nothing for sale, in the driver's words."""

from konsento.kit.errors import KonsentoError


class NoTariff(KonsentoError):
    """No price is in force for the outlet."""

    status = 503
    message = "There is no price for this outlet at the moment, so it cannot be used. Please take another outlet."
