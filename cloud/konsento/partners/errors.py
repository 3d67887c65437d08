"""Why something about a partner cannot be done, in the operator's words."""

from konsento.kit.errors import KonsentoError


class BadPartner(KonsentoError):
    """What was typed about a partner cannot be."""

    status = 422
    message = "A partner has a name of up to 100 characters that fits on one line."


class BadPartnerAddress(BadPartner):
    """Not an address that this server may go to."""

    message = (
        "The address of a partner's pages begins with https:// and a public host, has no “?” or “#”, and at most 200"
        " characters."
    )


class BadPartnerKey(BadPartner):
    """Not a key as servers make it."""

    message = "A key begins with kps_ and has 47 characters. Copy it whole from the partner, or leave it empty."


class PartnerKnown(KonsentoError):
    """There is another partner with this name or address."""

    message = "There is a partner with this name or this address already."


class UnknownPartner(KonsentoError):
    """There is no such partner, or it does not sell at this outlet."""

    status = 404
    message = "This supplier is not found at this outlet any more. Choose another one."


class BadCommonName(BadPartner):
    """Not a name that servers can have in common."""

    message = "A site's common name has 8 to 32 capital letters and digits."


class CommonNameTaken(KonsentoError):
    """Another site here has this common name."""

    message = "Another site has this common name. Two sites cannot be the same place."
