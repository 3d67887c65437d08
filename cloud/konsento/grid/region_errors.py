"""Why something about a region cannot be done, in the operator's words."""

from konsento.kit.errors import KonsentoError


class UnknownRegion(KonsentoError):
    """There is no such region."""

    status = 404
    message = "There is no such region. Add it under Regions."


class RegionKnown(KonsentoError):
    """There is a region with this code."""

    message = "There is a region with this code already."


class BadRegion(KonsentoError):
    """What was typed about a region cannot be."""

    status = 422
    message = (
        "A region has a code like JP-A03 or DE (a country, and up to eight capital letters and digits), a name of up to"
        " 60 characters and a time zone like Asia/Tokyo."
    )


class BadRule(KonsentoError):
    """What was typed as a rule cannot be."""

    status = 422
    message = (
        "A rule has a reference from -100 to 1000 % or a percentile from 0 to 100, a threshold from 0 to 1,000,000 MW"
        " or 0 to 100 %, windows of 5 minutes to 24 hours, gaps of 0 to 4 slots, and 1 to 6 windows a day."
    )
