"""A site as a driver sees it on the map, in a list and on its own page."""

from dataclasses import dataclass
from urllib.parse import quote
from uuid import UUID

from konsento.kit.i18n import Language, marked
from konsento.sites.finding import FoundSite, SiteState
from konsento.sites.geometry import Point

_STATES = {
    SiteState.BUSY: marked("All in use"),
    SiteState.OFFLINE: marked("No contact"),
    SiteState.CLOSED: marked("Closed"),
}
_TONES = {SiteState.FREE: "", SiteState.BUSY: "wait", SiteState.OFFLINE: "bad", SiteState.CLOSED: "wait"}


@dataclass(frozen=True, kw_only=True)
class SiteView:
    """What the pages write about a site."""

    id: UUID
    name: str
    place: str
    page: str
    """Path of its page."""
    state: SiteState
    says: str
    """The state in words."""
    tone: str
    at: Point | None
    """None for a site that is not on the map."""
    route: str
    """Address that a phone's own map opens (RFC 5870); empty for a site that is not on the map."""


def site_view(language: Language, found: FoundSite) -> SiteView:
    """Describe a site."""
    site, at = found.site, found.at
    if found.state is SiteState.FREE:
        says = language.text("{free} of {outlets} free", free=found.free, outlets=found.outlets)
    else:
        says = language.text(_STATES[found.state])
    return SiteView(
        id=site.id,
        name=site.name,
        place=site.place,
        page=f"/sites/{site.id}",
        state=found.state,
        says=says,
        tone=_TONES[found.state],
        at=at,
        route=_route(at, site.name) if at is not None else "",
    )


def _route(at: Point, name: str) -> str:
    place = f"{at.latitude},{at.longitude}"
    # The second half is not of the RFC; with it phones show a pin and the name.
    return f"geo:{place}?q={place}({quote(name, safe='')})"
