"""What is printed on the outlets' labels: a management server tells codes and addresses, so nobody types them."""

from typing import Final

from yarl import URL

from ..control.labels import MOST, Label
from .frames import Payload
from .link import Link
from .messages import status_info

MESSAGE: Final = "OutletLabels"
_LONGEST_URL: Final = 500
_LONGEST_CODE: Final = 40


class Labelling:
    """Takes the labels of one management server."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def take(self, data: object) -> Payload:
        """Take the list that a server tells in place of the one before; rejected as a whole if anything is wrong."""
        told = data.get("outlets") if isinstance(data, dict) else None
        if not isinstance(told, list) or len(told) > MOST:
            return _bad(f"outlets must be a list of at most {MOST}")
        try:
            labels = [_label(one) for one in told]
        except ValueError as error:
            return _bad(str(error))
        if len({label.evse for label in labels}) < len(labels):
            return _bad("an outlet is named twice")
        await self._link.site.labels.take(self._link.server, labels)
        return {"status": "Accepted"}


def _label(told: object) -> Label:
    if not isinstance(told, dict):
        raise ValueError("a label must have evseId, code and url")  # noqa: TRY004  # what came is wrong, not this program
    evse, code, url = told.get("evseId"), told.get("code"), told.get("url")
    if isinstance(evse, bool) or not isinstance(evse, int) or evse < 1:
        raise ValueError("evseId must be the number of an outlet")
    if not isinstance(code, str) or not code.isprintable() or not 1 <= len(code) <= _LONGEST_CODE:
        raise ValueError(f"code must have 1 to {_LONGEST_CODE} characters")
    if not isinstance(url, str) or not is_page(url):
        raise ValueError("url must be the address of a page")
    return Label(evse=evse, code=code, url=url)


def is_page(url: str) -> bool:
    """Whether a text can be the address of a page, as it stands in a QR code."""
    if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parsed = URL(url)
    except ValueError:
        return False
    return parsed.scheme in {"http", "https"} and bool(parsed.host) and parsed.user is None


def _bad(sentence: str) -> Payload:
    return {"status": "Rejected", "statusInfo": status_info("BadLabels", sentence)}
