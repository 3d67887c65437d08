"""Zip files in which operators publish the days of a month."""

import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final

from konsento.grid.errors import BadArchive, NoData, Unreadable
from konsento.grid.readers.cells import shown

MAGIC: Final = (b"PK\x03\x04", b"PK\x05\x06")
_MOST_MEMBERS: Final = 500
_LARGEST: Final = 5_000_000
_LARGEST_IN_ALL: Final = 60_000_000
"""Bytes; a month of three series has 0.3 MB."""
_DAMAGED: Final = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, NotImplementedError)
_UTF8_NAME: Final = 0x800
_ENCRYPTED: Final = 0x1


def members(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Give name and content of the CSV files in an archive. Raises BadArchive, NoData where there are none.

    Nothing is written to disk, so names cannot lead anywhere; sizes are bounded before and while unpacking.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            wanted = [one for one in archive.infolist() if one.filename.lower().endswith(".csv")]
            if not wanted:
                raise NoData(said="zip")
            if len(wanted) > _MOST_MEMBERS or sum(one.file_size for one in wanted) > _LARGEST_IN_ALL:
                raise BadArchive(why=f"{len(wanted)} files, {sum(one.file_size for one in wanted)} bytes")
            for one in wanted:
                yield _name(one), _unpacked(archive, one)
    except Unreadable:
        raise
    except _DAMAGED as error:
        raise BadArchive(why=shown(f"{error}", 100)) from error


def _unpacked(archive: zipfile.ZipFile, one: zipfile.ZipInfo) -> bytes:
    if one.flag_bits & _ENCRYPTED or one.file_size > _LARGEST:
        raise BadArchive(why=shown(one.filename, 100))
    with archive.open(one) as member:
        content = member.read(_LARGEST + 1)
    if len(content) > _LARGEST:  # the size that it tells is not to be believed
        raise BadArchive(why=shown(one.filename, 100))
    return content


def _name(one: zipfile.ZipInfo) -> str:
    """Return a member's name; Japanese Windows writes it in Shift JIS without saying so."""
    if one.flag_bits & _UTF8_NAME:
        return one.filename
    try:
        return one.filename.encode("cp437").decode("cp932")
    except UnicodeError:
        return one.filename
