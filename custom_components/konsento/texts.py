"""Names as Home Assistant's texts spell them, and errors in those words."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from .const import DOMAIN
from .control.driver import OutletRefusedError, OutletSilentError
from .control.words import Refusal

_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
OUTLET_CODES = frozenset(
    {"already_ended", "bad_argument", "busy", "disabled", "fault", "not_supported", "stale", "unknown_session"}
)
"""What outlets refuse with (docs/contracts.md §1)."""


def snake(word: StrEnum) -> str:
    """Return OCPP's word as the key of a text: EVDisconnected → ev_disconnected."""
    return _HUMP.sub("_", word).lower()


def spelt(value: object) -> object:
    """Return a value as it is shown: a word of OCPP as the key of a text, everything else as it is."""
    return snake(value) if isinstance(value, StrEnum) else value


def start_refused(refusal: Refusal, outlet: str) -> ServiceValidationError:
    """Return the error for a session that could not begin."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=f"start_{snake(refusal)}",
        translation_placeholders={"outlet": outlet},
    )


@contextmanager
def asking(outlet: str) -> Iterator[None]:
    """Tell whoever asked an outlet for something that it has refused, or has not answered."""
    try:
        yield
    except OutletRefusedError as error:
        code = error.code if error.code in OUTLET_CODES else "other"
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key=f"refused_{code}",
            translation_placeholders={"outlet": outlet, "reason": error.sentence or error.code},
        ) from error
    except OutletSilentError as error:
        raise HomeAssistantError(
            translation_domain=DOMAIN, translation_key="silent", translation_placeholders={"outlet": outlet}
        ) from error
