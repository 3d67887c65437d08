"""Why a source is bad, as it is kept and as it is read in a language."""

from collections.abc import Mapping
from typing import Any

from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import Language


def kept(error: KonsentoError) -> dict[str, Any]:
    """Return a reason as JSON takes it."""
    values = {
        name: value if isinstance(value, str | int | float | bool) else str(value)
        for name, value in error.values.items()
    }
    return {"message": error.message, "values": values}


def read(language: Language, reason: Mapping[str, Any], plain: str) -> str:
    """Return a kept reason in a language; `plain`, its English sentence, where it is not known any more."""
    try:
        return language.text(reason["message"], **reason["values"])
    except KeyError, ValueError, TypeError:
        return plain
