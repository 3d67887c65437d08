"""Why a whole request was refused."""

from konsento.kit.errors import KonsentoError


class TokenNeeded(KonsentoError):
    """The request says not who sends it."""

    status = 401
    message = "This needs a token: send it in the header Authorization, as “Bearer ken_…”."


class TokenNotValid(KonsentoError):
    """The token is not one of ours, or was ended."""

    status = 401
    message = "This token is not valid. It may have been ended; ask the operator for another one."


class RoleMissing(KonsentoError):
    """The token is for something else."""

    status = 403
    message = "This token may not do that. It needs the role {roles}."


class NothingHere(KonsentoError):
    """There is nothing at this address."""

    status = 404
    message = "There is nothing at this address."


class MethodNotOffered(KonsentoError):
    """The address exists, but not for this method."""

    status = 405
    message = "This address does not take this method."


class TooLarge(KonsentoError):
    """More than one request may hold."""

    status = 413
    message = (
        "This request is too large. The most is {items} items or {bytes} bytes; send the rest in further requests."
    )


class InvalidRequest(KonsentoError):
    """The request does not have the form that the document gives it."""

    status = 422
    message = "The request does not have the form that the document gives it ({where}). Nothing was changed."


class UnknownRegion(KonsentoError):
    """A region that is not in the tree."""

    status = 422
    message = "There is no region {region} here. Nothing was changed."


class IdTaken(KonsentoError):
    """The same id came before with another content."""

    message = "The id {id} was used for another content. Nothing was changed."


class NameTaken(KonsentoError):
    """A token of that name exists."""

    message = "There is a token of the name {name} already. Choose another name, or end that one first."


class NoSuchToken(KonsentoError):
    """There is no token of that name."""

    status = 404
    message = "There is no token of the name {name}."


class BadRegionsFile(KonsentoError):
    """A file of regions cannot be read."""

    status = 422
    message = "The file of regions cannot be taken (line {line}): {reason}. Nothing was changed."


class BadSuppliersFile(KonsentoError):
    """A file of suppliers cannot be read."""

    status = 422
    message = "The file of suppliers cannot be taken (line {line}): {reason}. Nothing was changed."


class OurFault(KonsentoError):
    """A mistake in the program."""

    status = 500
    message = "Something broke on our side, and we have noted it. Nothing is lost: send the request again later."
