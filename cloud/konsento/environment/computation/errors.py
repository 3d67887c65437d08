"""What the computation system refuses beside what both applications do."""

from konsento.kit.errors import KonsentoError


class InvalidSums(KonsentoError):
    """A delivery of sums cannot be."""

    status = 422
    message = "Row {row} of the sums cannot be: {reason}. Nothing was changed."


class NoRun(KonsentoError):
    """Nothing has been computed."""

    status = 404
    message = "Nothing has been computed yet, or there is no such run."


class ExactForOperators(KonsentoError):
    """Exact figures were asked for by somebody who may only see what is published."""

    status = 403
    message = "Exact figures and earlier runs are for operators. Leave “exact” and “run” out to get what is published."
