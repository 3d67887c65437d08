"""Why something about a source of data cannot be done, in the operator's words."""

from konsento.kit.errors import KonsentoError


class UnknownSource(KonsentoError):
    """There is no such source."""

    status = 404
    message = "There is no such data source."


class SourceKnown(KonsentoError):
    """There is a source with this name."""

    message = "There is a data source with this name already."


class BadSource(KonsentoError):
    """What was typed about a source cannot be."""

    status = 422
    message = (
        "A data source has a name of up to 100 characters, a format, and is fetched every 5 minutes to 7 days; its data"
        " count as old after 1 hour to 60 days."
    )


class BadSourceAddress(BadSource):
    """Not an address that this server may go to."""

    message = (
        "The address begins with https:// and a public host. For dates write {{yyyymmdd}}, {{yyyy}}, {{mm}}, {{dd}} or"
        " {{fiscal_year}}, with +1 for tomorrow: {{yyyymmdd+1}}; for the key {{key}}."
    )


class BadFolder(BadSource):
    """Not the name of a folder."""

    message = "A folder's name has up to 50 letters, digits, “-” and “_”."


class FolderTaken(BadSource):
    """Files of two sources in one folder could not be told apart."""

    message = "Another data source has this folder."
