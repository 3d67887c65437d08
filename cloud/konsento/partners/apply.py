"""Bringing the partners to what a provisioning file says."""

from datetime import datetime
from typing import Annotated

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.errors import KonsentoError
from konsento.models import PartnerKind
from konsento.partners import service
from konsento.settings import Settings
from konsento.sites import service as sites
from konsento.sites.provisioning import BadFileError, Changes, Name, Table


class PartnerEntry(Table):
    """`[[partners]]`."""

    kind: PartnerKind = PartnerKind.SUPPLIER
    name: Name
    url: Annotated[str, Field(max_length=service.LONGEST_ADDRESS)]
    """Address of its pages."""
    key: Annotated[str, Field(max_length=80)]
    """The shared one, `kps_…`."""
    sites: tuple[str, ...] = ()
    """Station ids of the sites at which it sells too."""


async def apply_partner(
    session: AsyncSession, entry: PartnerEntry, settings: Settings, changes: Changes, at: datetime
) -> None:
    """Add or change a partner and where it sells; known by its name. Raises BadFileError."""
    stations = await sites.sites_of_stations(session, entry.sites)
    if missing := sorted(set(entry.sites) - stations.keys()):
        raise BadFileError(f"partner {entry.name}: no site {missing[0]!r}")
    found = next((one for one in await service.all_of(session) if one.name == entry.name), None)
    try:
        if found is None:
            found = await service.add(
                session, settings, at, kind=entry.kind, name=entry.name, base_url=entry.url, key=entry.key
            )
            changes.note(f"partner {entry.name}: added")
        elif (found.kind, found.base_url, found.key) != (entry.kind, entry.url.rstrip("/"), entry.key):
            if found.kind is not entry.kind:
                raise BadFileError(f"partner {entry.name}: it is a {found.kind}; remove it first")
            await service.change(session, settings, found, name=entry.name, base_url=entry.url, key=entry.key)
            changes.note(f"partner {entry.name}: changed")
    except KonsentoError as error:
        raise BadFileError(f"partner {entry.name}: {error}") from error
    if await service.serve(session, found, [site.id for site in stations.values()]):
        changes.note(f"partner {entry.name}: sells at {', '.join(sorted(entry.sites)) or 'no site'}")
