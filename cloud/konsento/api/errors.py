"""Errors that arise at the API itself."""

from konsento.kit.errors import KonsentoError


class TokenNeeded(KonsentoError):
    """The request says not whom it acts for."""

    status = 401
    message = "This needs a token: send it in the header Authorization, as “Bearer kon_…”."


class TokenNotValid(KonsentoError):
    """The token is not one of ours, was ended, or has expired."""

    status = 401
    message = "This token is not valid. It may have expired or have been ended; make another one."


class ScopeMissing(KonsentoError):
    """The token may not do this."""

    status = 403
    message = "This token may not do that. It needs the scope {scope}."


class NoSuchResource(KonsentoError):
    """There is nothing at this address, or it is another driver's: the answer does not tell which."""

    status = 404
    message = "There is nothing at this address, or nothing that is yours."


class MethodNotOffered(KonsentoError):
    """The address exists, but not for this method."""

    status = 405
    message = "This address does not take this method. The header Allow names those that it takes."


class BodyTooLarge(KonsentoError):
    """More than any request needs."""

    status = 413
    message = "The body of this request is too large. The most is {maximum} bytes."


class InvalidRequest(KonsentoError):
    """The request does not have the form that the document gives it."""

    status = 422
    message = "Something in the request is missing, unknown or of the wrong form. Nothing was changed."


class BadCursor(KonsentoError):
    """A place in a list that no answer gave."""

    status = 422
    message = "This is no place in the list. Take the one that the page before gave as “next”."


class BadPlace(KonsentoError):
    """A place that is not on the Earth, or a part of the map without an inside."""

    status = 422
    message = "A latitude goes from -90 to 90, a longitude from -180 to 180, and north lies north of south."


class TooManyRequests(KonsentoError):
    """The token is used too often."""

    status = 429
    message = "Too many requests with this token. Wait {seconds} s, then go on."


class TooManyQuestions(KonsentoError):
    """A network address asks too often for what everybody may see."""

    status = 429
    message = "Too many questions from your network. Wait {seconds} s, then ask again."


class IdempotencyKeyReused(KonsentoError):
    """The key belongs to another request."""

    status = 422
    message = "This Idempotency-Key was used for another request. Nothing was changed. Choose a new one."


class RequestUnderWay(KonsentoError):
    """The same request came before and is not answered yet."""

    message = "The same request is being worked on. Send it again in a few seconds to get its answer."


class AnswerNotKept(KonsentoError):
    """The request was carried out before; its answer held a secret, which is shown once."""

    message = "This was done before, and its secret is shown only once. End what it made and make another one."
