"""Bringing sites and outlets to what a provisioning file says."""

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.ids import new_id
from konsento.models import GridRegion, Metering, Outlet, OutletStatus, SecurityProfile, Site
from konsento.sites import codes, proofs, repository
from konsento.sites.outlets import free_code
from konsento.sites.provisioning import BadFileError, Changes, OutletEntry, SiteEntry
from konsento.sites.setup import set_offers


async def apply_site(session: AsyncSession, entry: SiteEntry, changes: Changes) -> None:
    """Make or change a site and its outlets. Outlets that the file does not name stay. Raises BadFileError."""
    if entry.security_profile is SecurityProfile.NONE:
        changes.note(f"site {entry.station_id}: INSECURE, whoever knows its name comes in (security_profile = 0)")
    if entry.region is not None and await session.get(GridRegion, entry.region) is None:
        raise BadFileError(f"site {entry.station_id}: no region {entry.region!r}")
    site = await repository.site_by_station(session, entry.station_id)
    if site is None:
        site = Site(
            id=new_id(),
            station_id=entry.station_id,
            password_hash=proofs.stored_chosen(entry.password),
            name=entry.name,
            place=entry.place,
            time_zone=entry.time_zone,
            region=entry.region,
            presence=entry.presence,
            security_profile=entry.security_profile or SecurityProfile.BASIC,
            latitude=entry.latitude,
            longitude=entry.longitude,
            connected=False,
        )
        session.add(site)
        await session.flush()
        changes.note(f"site {entry.station_id}: added")
    else:
        _change_site(site, entry, changes)
    if entry.common_name not in {None, site.common_name}:
        await _name(session, site, entry.common_name, changes)
    existing = {outlet.evse_id: outlet for outlet in await repository.outlets_of(session, site.id)}
    for outlet_entry in entry.outlets:
        where = f"{entry.station_id}/{outlet_entry.evse_id}"
        outlet = existing.get(outlet_entry.evse_id)
        if outlet is None:
            outlet = await _new_outlet(session, site, outlet_entry, where, changes)
        else:
            await _change_outlet(session, outlet, outlet_entry, where, changes)
        changes.outlet_codes[where] = outlet.code


async def _name(session: AsyncSession, site: Site, name: str | None, changes: Changes) -> None:
    other = await repository.site_by_common_name(session, name or "")
    if other is not None:
        raise BadFileError(f"site {site.station_id}: {other.station_id} has the common name {name}")
    site.common_name = name
    changes.note(f"site {site.station_id}: common_name is now {name!r}")


def _change_site(site: Site, entry: SiteEntry, changes: Changes) -> None:
    if not proofs.verified(entry.password, site.password_hash):
        if site.password_changed_at is not None:
            # Or the file, applied again, would lock out a station whose password this server has changed since.
            changes.note(
                f"site {entry.station_id}: keeps the password that was made here; that of the file is not used"
            )
        else:
            site.password_hash = proofs.stored_chosen(entry.password)
            changes.note(f"site {entry.station_id}: new password")
    # A file without a position leaves the one that somebody has picked on the map.
    position = ("latitude", "longitude") if entry.latitude is not None else ()
    profile = ("security_profile",) if entry.security_profile is not None else ()
    region = ("region",) if entry.region is not None else ()
    for name in ("name", "place", "time_zone", "presence", *region, *position, *profile):
        new = getattr(entry, name)
        if getattr(site, name) != new:
            setattr(site, name, new)
            changes.note(f"site {entry.station_id}: {name} is now {str(new)!r}")


async def _new_outlet(session: AsyncSession, site: Site, entry: OutletEntry, where: str, changes: Changes) -> Outlet:
    outlet = Outlet(
        id=new_id(),
        site_id=site.id,
        evse_id=entry.evse_id,
        code=await _free_code(session, entry.code, where),
        name=entry.name,
        rated_w=entry.rated_w,
        volts=entry.volts,
        metering=entry.metering_basis or Metering.VERIFIED,
        metering_class=entry.metering_class,
        tariff_names=list(entry.offers),
        status=OutletStatus.UNKNOWN,
        status_reason="",
    )
    session.add(outlet)
    await session.flush()
    changes.note(f"outlet {where}: added with code {codes.label(outlet.code)}")
    return outlet


async def _change_outlet(
    session: AsyncSession, outlet: Outlet, entry: OutletEntry, where: str, changes: Changes
) -> None:
    wanted: dict[str, object] = {"name": entry.name, "rated_w": entry.rated_w, "volts": entry.volts}
    if entry.metering_basis is not None:
        wanted |= {"metering": entry.metering_basis, "metering_class": entry.metering_class}
    if entry.code is not None and entry.code != outlet.code:
        wanted["code"] = await _free_code(session, entry.code, where)
    for name, new in wanted.items():
        if getattr(outlet, name) != new:
            setattr(outlet, name, new)
            changes.note(f"outlet {where}: {name} is now {str(new)!r}")
    if set_offers(outlet, entry.offers):
        changes.note(f"outlet {where}: sold at {', '.join(entry.offers)}")
    await session.flush()


async def _free_code(session: AsyncSession, wanted: str | None, where: str) -> str:
    if wanted is None:
        return await free_code(session)
    other = await repository.code_among(session, codes.slips(wanted))
    if other is not None:
        # A code from an operator's own labels has no check character; this is what keeps a slip from another outlet.
        raise BadFileError(f"outlet {where}: code {wanted} is, or is too easily mistyped as, {other}")
    return wanted
