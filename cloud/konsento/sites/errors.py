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


class UnknownSite(KonsentoError):
    """There is no site with this id."""

    status = 404
    message = "There is no such site here any more. Look for another one on the map."


class OutletOutOfOrder(KonsentoError):
    """The operator of this server has put the outlet out of order."""

    message = "This outlet is out of use. Please take another outlet."


class OutletOutOfOrderFor(OutletOutOfOrder):
    """Likewise, with what the operator says about it."""

    message = "This outlet is out of use. The operator says: {note}"


class SiteClosed(KonsentoError):
    """The site is outside its opening hours."""

    message = "This site is closed now. It opens {opens}."


class SiteClosedForLong(KonsentoError):
    """The site is outside its opening hours, and no opening is in sight."""

    message = "This site is closed until further notice. Please take an outlet at another site."


class NotOnSaleYet(KonsentoError):
    """The operator has not said yet what power costs at this outlet."""

    message = "Nothing is sold at this outlet yet. Please take another outlet."


class BadSite(KonsentoError):
    """What is said about a site or an outlet cannot be. Its subclasses say why."""

    status = 422
    message = "Something about the site cannot be right. Nothing was changed."


class NameMissing(BadSite):
    """No name, or one that is too long."""

    message = "Give it a name of at most {most} characters. Nothing was changed."


class TextTooLong(BadSite):
    """A text that does not fit."""

    message = "This text is too long: {most} characters at most. Nothing was changed."


class UnknownTimeZone(BadSite):
    """No IANA time zone."""

    message = "Choose a time zone from the list. Nothing was changed."


class BadPosition(BadSite):
    """One half of a position, or nowhere on Earth."""

    message = (
        "A position is a latitude from -90 to 90 and a longitude from -180 to 180, or neither of them."
        " Nothing was changed."
    )


class BadHours(BadSite):
    """Opening hours that are none."""

    message = (
        "The opening hours cannot be read. Every time needs its other end, and the times of a day must not overlap."
        " Nothing was changed."
    )


class StationIdTaken(BadSite):
    """Another site has this station id."""

    message = "There is a site with the station id {station_id} already. Choose another one. Nothing was made."


class BadStationId(BadSite):
    """A station id that is hard to read or that stations cannot have."""

    message = "A station id has 3 to 48 small letters, digits and dashes, and begins with a letter. Nothing was made."


class BadNumber(BadSite):
    """A number of an outlet that is none, or out of its range."""

    message = "One of the numbers cannot be right. They go from {least} to {most}. Nothing was changed."


class UnknownTariff(BadSite):
    """A tariff that is not in force."""

    message = "This price is not in force any more. Choose one of those in the list. Nothing was changed."


class TooManyOffers(BadSite):
    """More prices than a driver can compare, or one twice."""

    message = "An outlet has {most} prices at most, each of them once. Nothing was changed."


class BadMeteringClass(BadSite):
    """A class without a notified meter, or none with one."""

    message = "A notified meter has one of the classes {classes}, any other none. Nothing was changed."


class PictureTooLarge(BadSite):
    """More bytes or pixels than a floor plan may have."""

    status = 413
    message = "This picture is too large: at most {megabytes} MB and {megapixels} million pixels. Nothing was changed."


class NotAPicture(BadSite):
    """No picture of a kind that is taken, or a broken one."""

    message = "This is no picture that can be used. Choose a PNG, JPEG or WebP file. Nothing was changed."


class PasswordsUnderWay(BadSite):
    """Passwords were sent to the site that it may have taken, and no more can be kept."""

    status = 409
    message = (
        "The site has answered none of the passwords that were sent to it last. Wait until it has connected again, or"
        " make one without asking the site."
    )


class ProofNeeded(BadSite):
    """Security profile 0, which the settings of this server do not allow."""

    message = "This server lets no site in without authentication. Choose another way. Nothing was changed."
