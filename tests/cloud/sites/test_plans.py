"""Floor plans: what is kept is the picture alone."""

from io import BytesIO

import pytest
from PIL import Image

from konsento.sites import plans
from konsento.sites.errors import NotAPicture, PictureTooLarge


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = BytesIO()
    image.save(stream, format=kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_a_photo_loses_its_place_and_keeps_its_picture(kind: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "secret garden"
    exif[0x0112] = 6  # the camera was turned
    exif.get_ifd(0x8825)[1] = "N"
    photo = encoded(Image.new("RGB", (300, 200), "red"), kind, exif=exif)
    assert b"secret garden" in photo

    kept = await plans.read(photo + b"trailing secret")

    assert b"secret" not in kept.content
    assert (kept.width, kept.height) == (200, 300)
    with Image.open(BytesIO(kept.content)) as image:
        assert (image.format, dict(image.getexif()), image.size) == ("WEBP", {}, (200, 300))
        red, green, blue = image.convert("RGB").getpixel((100, 150))
    assert red > 200
    assert max(green, blue) < 60


async def test_a_large_picture_becomes_one_that_a_page_can_carry() -> None:
    kept = await plans.read(encoded(Image.new("L", (5000, 2500)), "PNG"))

    assert (kept.width, kept.height) == (1200, 600)


async def test_what_is_transparent_is_white() -> None:
    kept = await plans.read(encoded(Image.new("RGBA", (20, 20), (0, 0, 0, 0)), "PNG"))

    with Image.open(BytesIO(kept.content)) as image:
        assert image.convert("RGB").getpixel((10, 10)) == (255, 255, 255)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a" + bytes(100),
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        encoded(Image.new("RGB", (50, 50)), "PNG")[:60],
        encoded(Image.new("RGB", (50, 50)), "JPEG")[:200],
        encoded(Image.new("RGB", (50, 50)), "GIF"),
        encoded(Image.new("RGB", (50, 50)), "PNG").replace(b"IDAT", b"IDAX"),
    ],
)
async def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(NotAPicture):
        await plans.read(content)


async def test_a_picture_that_would_fill_the_memory_is_refused_before_it_is_unpacked() -> None:
    bomb = encoded(Image.new("1", (30_000, 30_000)), "PNG")
    assert len(bomb) < 300_000

    with pytest.raises(PictureTooLarge):
        await plans.read(bomb)
    with pytest.raises(PictureTooLarge):
        await plans.read(bytes(plans.MOST_BYTES + 1))
