"""What stands on one label, and where."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import segno

from konsento.kit.paper.drawing import Element, Text, blocks_of, width_of, wrapped
from konsento.models import Outlet, Site
from konsento.settings import Settings
from konsento.sites import codes

WHAT_TO_DO: Final = ("QRの読み取りかコード入力で充電", "Scan or type the code to charge")
CHECK: Final = "アドレスを確認 · Check the address:"
"""Both on every label: nobody knows who will stand before it."""
_LEAD: Final = 1.32
"""From one base line to the next, by the size."""
_ASCENT: Final = 0.86
_SMALLEST: Final = 0.4


@dataclass(frozen=True, kw_only=True)
class Label:
    """What stands on the label of one outlet."""

    address: str
    """In the QR code."""
    code: str
    """As it is printed: `K7F-29Q`."""
    name: str
    where: str
    """The site, and the outlet's number there."""
    host: str
    """The only address that the page may have: a copied or foreign sticker shows another."""
    evse_id: str
    operator: str
    support: str
    """Where there is help; may be empty."""


def labels_of(site: Site, outlets: Iterable[Outlet], settings: Settings) -> list[Label]:
    """Return the labels of outlets of a site."""
    prefix = settings.evse_id_prefix
    return [
        Label(
            address=address_of(outlet.code, settings.public_url),
            code=codes.label(outlet.code),
            name=outlet.name,
            where=f"{site.name} · {outlet.evse_id}",
            host=urlsplit(settings.public_url).netloc,
            evse_id=codes.evse_id(prefix, outlet.code) if prefix else "",
            operator=settings.operator_name,
            support=settings.support_contact,
        )
        for outlet in outlets
    ]


def address_of(code: str, public_url: str) -> str:
    """Return what an outlet's QR code holds: nothing but the address of its page, so a label never goes stale.

    In capitals, of which QR codes hold more; the page is found under them too. Where there is a path before ours
    capitals could be another address.
    """
    parts = urlsplit(public_url.rstrip("/"))
    address = f"{public_url.rstrip('/')}/o/{code}"
    return address if parts.path else address.upper()


def qr(address: str) -> segno.QRCode:
    """Return the QR code of an address: a quarter of it may be scratched off."""
    return segno.make(address, error="q", micro=False, boost_error=False)


def drawn(label: Label, x: float, y: float, width: float, height: float) -> list[Element]:
    """Return a label in its place: the QR code beside the words, on a tall one above them."""
    margin = max(2.5, 0.06 * min(width, height))
    inner_w, inner_h = width - 2 * margin, height - 2 * margin
    if width >= height:
        side = min(inner_h, 0.44 * inner_w)
        gap = 0.5 * margin
        box = (x + margin + side + gap, y + margin, inner_w - side - gap, inner_h)
        code = blocks_of(qr(label.address), x + margin, y + (height - side) / 2, side)
        return [code, *_words(label, *box, centred=False)]
    side = min(inner_w, 0.6 * inner_h)
    code = blocks_of(qr(label.address), x + (width - side) / 2, y + margin, side)
    return [code, *_words(label, x + margin, y + margin + side, inner_w, inner_h - side, centred=True)]


def _words(label: Label, x: float, y: float, width: float, height: float, *, centred: bool) -> list[Element]:
    """Set the words as large as the box allows."""
    scale = 1.0
    while True:
        lines = _lines(label, width, height * 0.155 * scale)
        total = sum(size * _LEAD + gap for _, size, _, gap in lines)
        if total <= height or scale <= _SMALLEST:
            break
        scale *= 0.96
    top = y + max(0.0, (height - total) / 2)
    elements: list[Element] = []
    for text, size, bold, gap in lines:
        top += gap
        at = x + width / 2 if centred else x
        anchor = "middle" if centred else "start"
        elements.append(Text(x=at, y=top + size * _ASCENT, size=size, text=text, bold=bold, anchor=anchor))  # type: ignore[arg-type]  # one of the two words
        top += size * _LEAD
    return elements


def _lines(label: Label, width: float, unit: float) -> list[tuple[str, float, bool, float]]:
    """Return text, size, weight and the space above of every line; `unit` is the size of the code."""
    together = f"{label.operator} · {label.support}"
    one_line = label.support and width_of(together, 0.32 * unit, bold=False) <= width
    rows = [
        (label.code, 1.0, True, 0.0),
        (label.name, 0.5, True, 0.0),
        (label.where, 0.34, False, 0.0),
        (WHAT_TO_DO[0], 0.34, False, 0.3),
        (WHAT_TO_DO[1], 0.34, False, 0.0),
        (CHECK, 0.34, False, 0.0),
        (label.host, 0.46, True, 0.05),
        (together if one_line else label.operator, 0.32, False, 0.3),
        ("" if one_line else label.support, 0.32, False, 0.0),
        (label.evse_id, 0.32, False, 0.0),
    ]
    lines: list[tuple[str, float, bool, float]] = []
    for text, share, bold, space in rows:
        size, gap = share * unit, space * unit
        ours = text in {*WHAT_TO_DO, CHECK}
        for part in [text] if ours else wrapped(text, size, width, bold=bold):
            # What is not broken, our own sentences, an address or one long word, is set smaller instead.
            fits = min(1.0, width / width_of(part, size, bold=bold))
            lines.append((part, size * fits, bold, gap))
            gap = 0.0
    return lines
