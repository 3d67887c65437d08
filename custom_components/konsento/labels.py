"""The outlets' labels for printing: what a driver scans or types, per management server."""

from dataclasses import dataclass
from typing import Any, Final

from homeassistant.config_entries import ConfigSubentry

from .const import CONF_EVSE, CONF_LABEL_URL, CONF_STATION_ID, SUBENTRY_OUTLET, SUBENTRY_SERVER
from .hub import Hub
from .station.labelling import is_page

EVSE_FIELD: Final = "{evse}"
"""Stands for the number of the outlet in the pattern of an address."""
STATION_FIELD: Final = "{station}"
"""Stands for the station id of the site."""
QUIET: Final = 4
"""Light modules around a QR code (ISO/IEC 18004, 7.3.8)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QrCode:
    """A QR code as a drawing: dark squares of side 1."""

    size: int
    """Modules in a row, those of the quiet zone among them."""
    path: str
    """Data of an SVG path that is filled."""


def is_pattern(pattern: str) -> bool:
    """Whether an owner can have meant this as the addresses of a server's outlets."""
    return EVSE_FIELD in pattern and is_page(_filled(pattern, 1, "station"))


def qr_code(url: str) -> QrCode:
    """Return the QR code of an address: a quarter of it may be scratched off."""
    # Loaded only by those who print.
    import segno  # noqa: PLC0415

    code = segno.make(url, error="q", micro=False, boost_error=False)
    runs: list[str] = []
    for y, row in enumerate(code.matrix):
        start: int | None = None
        for x, dark in enumerate([*row, 0]):
            if dark and start is None:
                start = x
            elif not dark and start is not None:
                runs.append(f"M{start + QUIET} {y + QUIET}h{x - start}v1h{start - x}z")
                start = None
    return QrCode(size=len(code.matrix) + 2 * QUIET, path="".join(runs))


def labels_of(hub: Hub) -> list[dict[str, Any]]:
    """Return the labels of every management server; the QR codes take a while, so not in the event loop.

    `source`: `server` where it has told them, `pattern` where they come from the owner's pattern; None where neither.
    """
    entry = hub.entry
    outlets = sorted(entry.get_subentries_of_type(SUBENTRY_OUTLET), key=lambda part: part.data[CONF_EVSE])
    return [_of_server(hub, server, outlets) for server in entry.get_subentries_of_type(SUBENTRY_SERVER)]


def _of_server(hub: Hub, server: ConfigSubentry, outlets: list[ConfigSubentry]) -> dict[str, Any]:
    told = hub.site.labels.of(server.subentry_id)
    pattern = server.data.get(CONF_LABEL_URL)
    found: list[dict[str, Any]] = []
    for outlet in outlets:
        evse = outlet.data[CONF_EVSE]
        code, url = None, None
        if told is not None:
            if label := told.get(evse):
                code, url = label.code, label.url
        elif pattern:
            url = _filled(pattern, evse, server.data[CONF_STATION_ID])
        drawn = qr_code(url) if url else None
        found.append(
            {
                "subentry_id": outlet.subentry_id,
                "evse": evse,
                "code": code,
                "url": url,
                "qr": {"size": drawn.size, "path": drawn.path} if drawn else None,
            }
        )
    return {
        "subentry_id": server.subentry_id,
        "title": server.title,
        "source": "server" if told is not None else "pattern" if pattern else None,
        "outlets": found,
    }


def _filled(pattern: str, evse: int, station_id: str) -> str:
    return pattern.replace(EVSE_FIELD, str(evse)).replace(STATION_FIELD, station_id)
