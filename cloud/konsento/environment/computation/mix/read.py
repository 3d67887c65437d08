"""Finds out what kind of file somebody brings, and reads it."""

from konsento.environment.computation.mix import entsoe, generic, japan
from konsento.environment.computation.mix.slots import Mix
from konsento.environment.computation.reading import decoded, rows_of


def read_mix(raw: bytes) -> Mix:
    """Return the fuel mix that a file holds. Raises BadFileError where it is of none of the known layouts."""
    if raw.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        return entsoe.read(raw)
    rows = rows_of(decoded(raw))
    return japan.read(rows) if japan.is_japanese(rows) else generic.read(rows)
