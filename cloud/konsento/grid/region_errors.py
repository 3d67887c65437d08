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
    """What was typed about a region cannot be; its subclasses say what."""

    status = 422


class BadCode(BadRegion):
    """The code is none of a region."""

    message = "A region has a code like JP-A03 or DE: a country, and up to eight capital letters and digits."


class BadRegionName(BadRegion):
    """A name is empty, too long or not one line."""

    message = "A region has an English name of up to 60 characters, and may have a Japanese one."


class BadTimeZone(BadRegion):
    """There is no such time zone."""

    message = "There is no such time zone. They are called like Asia/Tokyo."


class BadRule(KonsentoError):
    """What was typed as a rule cannot be; its subclasses say what."""

    status = 422


class BadReference(BadRule):
    """The percentage of demand cannot be."""

    message = "The surplus is a number from -100 to 1000 % of demand, with up to three decimals."


class BadPercentile(BadRule):
    """The percentile cannot be."""

    message = "The percentile is a number from 0 to 100, with up to three decimals."


class BadThreshold(BadRule):
    """The threshold cannot be."""

    message = "The threshold is a number from 0 to 1,000,000 MW or 0 to 100 %, with up to three decimals."


class BadShortest(BadRule):
    """The length of the shortest window cannot be."""

    message = "The shortest window lasts a whole number of minutes from 5 to 1440."


class BadGap(BadRule):
    """The number of slots that are bridged cannot be."""

    message = "So many slots may miss the rule within a window: 0 to 4."


class BadMost(BadRule):
    """The number of windows a day cannot be."""

    message = "A day has 1 to 6 windows at most."


class UnknownChoice(BadRule):
    """A choice of a list is none of it."""

    message = "Choose what is in the lists."
