"""Why an outlet cannot be used, in the driver's words."""

from konsento.kit.errors import KonsentoError


class UnknownOutlet(KonsentoError):
    """There is no outlet with this code."""

    status = 404
    message = "There is no outlet with this code. Check the code on the label beside the outlet."


class OutletOffline(KonsentoError):
    """The site, or the outlet at the site, cannot be reached."""

    status = 503
    message = "This outlet cannot be reached at the moment. Try again in a minute, or take another outlet."


class OutletFaulty(KonsentoError):
    """The outlet has reported a fault."""

    message = "This outlet has reported a fault and stays switched off. Please take another outlet."


class OutletDisabled(KonsentoError):
    """The operator of the site has taken the outlet out of service."""

    message = "This outlet is out of service. Please take another outlet."


class OutletBusy(KonsentoError):
    """The outlet is in use by somebody else."""

    message = "This outlet is in use. Take another outlet, or wait until it is free."
