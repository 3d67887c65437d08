"""Floor plans: a picture as it was uploaded becomes one that holds nothing but the picture."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.models import FloorPlan, Site
from konsento.sites import repository
from konsento.sites.errors import NotAPicture, PictureTooLarge

MOST_BYTES: Final = 8 * 1024 * 1024
MOST_PIXELS: Final = 30_000_000
"""What a phone's camera makes; it takes about 100 MB while it is read."""
LONGEST_EDGE: Final = 1200
"""Pixels of what is kept: sharp on a phone, and light enough for a page."""
_FORMATS: Final = ("PNG", "JPEG", "WEBP")
_MEDIA_TYPE: Final = "image/webp"


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture to be kept."""

    content: bytes
    width: int
    height: int


async def read(content: bytes) -> Picture:
    """Encode an uploaded picture anew, aside of the event loop. Raises `NotAPicture`, `PictureTooLarge`."""
    return await asyncio.to_thread(_read, content)


def _read(content: bytes) -> Picture:
    too_large = PictureTooLarge(megabytes=MOST_BYTES // 2**20, megapixels=MOST_PIXELS // 1_000_000)
    if len(content) > MOST_BYTES:
        raise too_large
    try:
        # Only the head is read here; the pixels come with `load`, after their number is known.
        with Image.open(BytesIO(content), formats=_FORMATS) as uploaded:
            if uploaded.width * uploaded.height > MOST_PIXELS:
                raise too_large
            uploaded.draft("RGB", (LONGEST_EDGE, LONGEST_EDGE))
            upright = ImageOps.exif_transpose(uploaded).convert("RGBA")
    except Image.DecompressionBombError:
        raise too_large from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        # Pillow says SyntaxError of broken PNG files.
        raise NotAPicture from error
    upright.thumbnail((LONGEST_EDGE, LONGEST_EDGE))
    # On white, in a new picture: no place, no camera, no colour profile comes along.
    plain = Image.new("RGB", upright.size, "white")
    plain.paste(upright, mask=upright)
    encoded = BytesIO()
    plain.save(encoded, format="WEBP", quality=80)
    return Picture(content=encoded.getvalue(), width=plain.width, height=plain.height)


async def keep(session: AsyncSession, site: Site, picture: Picture, at: datetime) -> None:
    """Make a picture the floor plan of a site. Outlets stay where they are: a new plan is mostly a better one."""
    plan = await repository.floor_plan(session, site.id)
    if plan is None:
        plan = FloorPlan(site_id=site.id)
        session.add(plan)
    plan.media_type, plan.picture = _MEDIA_TYPE, picture.content
    plan.width, plan.height, plan.changed_at = picture.width, picture.height, at


async def remove(session: AsyncSession, site: Site) -> bool:
    """Take the floor plan of a site away, and the places of its outlets with it; returns whether there was one."""
    plan = await repository.floor_plan(session, site.id)
    if plan is None:
        return False
    await session.delete(plan)
    await repository.forget_places(session, site.id)
    return True
