"""The question whether an idToken may charge."""

from typing import Annotated

from msgspec import Meta

from konsento.ocpp.messages.base import SINCE_21, Json, Request, Response, Text50
from konsento.ocpp.messages.types import IdToken, IdTokenInfo


class AuthorizeResponse(Response, kw_only=True, frozen=True):
    """The answer about an idToken."""

    id_token_info: IdTokenInfo
    certificate_status: Text50 | None = None
    allowed_energy_transfer: Annotated[Annotated[list[Text50], Meta(min_length=1)] | None, SINCE_21] = None
    tariff: Annotated[Json | None, SINCE_21] = None


class Authorize(Request[AuthorizeResponse], kw_only=True, frozen=True):
    """Somebody showed an idToken at the station."""

    id_token: IdToken
    certificate: Annotated[str, Meta(max_length=10000)] | None = None
    iso15118_certificate_hash_data: Annotated[list[Json], Meta(min_length=1, max_length=4)] | None = None
