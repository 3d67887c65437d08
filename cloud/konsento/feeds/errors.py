"""Why data did not come, or a source cannot be as it was typed."""

from konsento.kit.errors import KonsentoError


class NotFetched(KonsentoError):
    """Nothing that could be read came from a source's address."""

    status = 502
    message = "Nothing could be fetched."
    after_s: float = 0.0
    """After how long the other server wants to be asked again, s; 0 where it does not say."""


class BadAddress(NotFetched):
    """The address is not on the public network, or not HTTPS."""

    message = "“{host}” is not fetched from: addresses are HTTPS and on the public network."


class NotReached(NotFetched):
    """No connection, or it broke."""

    message = "“{host}” cannot be reached."


class TooSlow(NotFetched):
    """No whole answer in time."""

    message = "“{host}” did not answer in full within {seconds} s."


class Answered(NotFetched):
    """Any other status than the one that means: here it is."""

    message = "“{host}” answers {status}."


class AnswerCutOff(NotFetched):
    """Fewer bytes than were announced."""

    message = "The answer of “{host}” broke off."


class AnswerTooLarge(NotFetched):
    """More bytes than any such file has."""

    message = "The answer of “{host}” is larger than {megabytes} MB."


class TooManyRedirects(NotFetched):
    """Led from address to address."""

    message = "“{host}” leads on and on to other addresses."


class NotReadInTime(NotFetched):
    """It came, and reading it takes too long."""

    message = "Reading the file takes longer than {seconds} s."


class NotReadAtAll(NotFetched):
    """It came, and the program failed at it."""

    message = "The program failed at reading the file ({error}). Please report it with the file."


class BadSource(KonsentoError):
    """What was typed about a source cannot be."""

    status = 422


class UnknownSource(KonsentoError):
    """There is no such source."""

    status = 404
    message = "There is no such data source."


class BadSourceName(BadSource):
    """No name, or a long one."""

    message = "A data source has a name of up to {most} characters."


class SourceKnown(BadSource):
    """Two sources with a name, or a folder, in common."""

    status = 409
    message = "There is a data source with this name or this folder already."


class UnknownSourceFormat(BadSource):
    """A format that nothing here reads."""

    message = "Choose one of the formats that can be read."


class UnknownSourceRegion(BadSource):
    """A region that there is not."""

    message = "There is no region {region}. Add it first."


class BadSourceAddress(BadSource):
    """An address that nothing is fetched from."""

    message = (
        "An address begins with https:// and is on the public network; places for dates are written like {places}."
    )


class BadSourceFolder(BadSource):
    """A folder that could be outside the one for all sources."""

    message = (
        "A folder has up to 100 letters, digits, points, hyphens and underscores, and begins with a letter or digit."
    )


class BadSourceKey(BadSource):
    """A key that no header takes."""

    message = "A key has up to 200 printable ASCII characters."


class BadInterval(BadSource):
    """Too often, or next to never."""

    message = "Fetch every {least} minutes to {most} days; data are too old after 1 hour to 60 days."


class SourceOff(KonsentoError):
    """A source that takes nothing."""

    message = "This data source is switched off. Switch it on first."


class NothingToFetch(KonsentoError):
    """A source without an address."""

    message = "This data source has no address to fetch from. Upload a file, or drop it into its folder."


class NoFile(KonsentoError):
    """A form without a file."""

    status = 422
    message = "Choose a file."


class FileTooLarge(KonsentoError):
    """Larger than any such file."""

    status = 413
    message = "The file is larger than {megabytes} MB; no published file of this kind is."
