"""Showing that the driver stands before an outlet, where its operator wants that before a start."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from konsento.api import idempotency
from konsento.api.outlets import OBSTACLES
from konsento.api.problems import declared, language_of
from konsento.api.schemas import Asked
from konsento.api.who import ReadsSessions, WritesSessions
from konsento.charging import presence
from konsento.charging.errors import PresenceOver, PresenceTaken, TooManyPresenceChecks, UnknownPresenceCheck
from konsento.kit.i18n import Language, marked
from konsento.models import PresenceMethod, PresenceState
from konsento.services import Services
from konsento.sites import service as sites
from konsento.sites.errors import UnknownOutlet
from konsento.web.who import Wired

router = APIRouter(tags=["Sessions"])

EXAMPLE: Final = "01932f4e-7c00-7a1b-8c2d-3e4f5a6b7c8d"
Number = Annotated[UUID, Path(description="The check's id.", examples=[EXAMPLE])]
TELLS: Final = {
    PresenceMethod.BUTTON: marked("Press the button of the outlet, once and briefly."),
    PresenceMethod.LAMP: marked("Look at the outlet in front of you: does its lamp blink quickly?"),
    PresenceMethod.LABEL: marked("Compare the label of the outlet in front of you: is it {name}, code {code}?"),
}
"""What the driver is to do."""


class Check(BaseModel):
    """Whether the driver stands before an outlet."""

    id: UUID = Field(examples=[EXAMPLE])
    outlet: str = Field(description="The outlet's code.", examples=["K7F29Q"])
    method: PresenceMethod = Field(
        description="`button`: the driver presses it, and the state follows by itself. `lamp`, `label`: the driver"
        " looks, and you send the answer. `label` is for outlets that can do nothing else.",
        examples=["button"],
    )
    state: PresenceState = Field(
        description="`waiting` → `shown` → `used` by a start; or `denied`, or `over`.", examples=["waiting"]
    )
    asked_at: datetime
    expires_at: datetime = Field(
        description="While `waiting`: until when it can be shown. While `shown`: until when a start may follow."
    )
    tell: str = Field(
        description="What the driver is to do, in the language of `Accept-Language`.",
        examples=["Press the button of the outlet, once and briefly."],
    )


class AskedCheck(Asked):
    """At which outlet."""

    outlet: str = Field(max_length=64, description="The outlet's code.", examples=["K7F29Q"])


class AnsweredCheck(Asked):
    """What the driver says."""

    is_here: bool = Field(
        description="Whether the lamp blinks, or the label is this one. With `button`, only no can be said.",
        examples=[True],
    )


@router.post(
    "/presence-checks",
    status_code=201,
    response_model=Check,
    responses=declared(*idempotency.ERRORS, *OBSTACLES, UnknownOutlet, PresenceTaken, TooManyPresenceChecks),
)
async def create_presence_check(
    request: Request, services: Wired, caller: WritesSessions, asked: AskedCheck, key: idempotency.Key = None
) -> Response:
    """Begin a presence check.

    Where an outlet has a `presence` other than `none`, a start needs one that is `shown`: without it the start is
    refused with `PresenceNeeded`. It keeps the outlet for the driver for two minutes, and is good for one start within
    two minutes after it was shown; that start needs an `Idempotency-Key` that was not refused before. A check that the
    driver has here already is returned; a lamp that has stopped blinking is made to blink again.
    """

    async def ask(_: UUID) -> Check:
        check = await presence.ask(services, caller.driver.id, asked.outlet)
        return await _shown(services, caller.driver.id, check.id, language_of(request))

    return await idempotency.once(request, services, caller, key, ask)


@router.get("/presence-checks/{check_id}", responses=declared(UnknownPresenceCheck))
async def get_presence_check(request: Request, check_id: Number, services: Wired, caller: ReadsSessions) -> Check:
    """Get a presence check.

    As it stands now; ask about once a second while the driver goes to the button. It is forgotten after an hour.
    """
    return await _shown(services, caller.driver.id, check_id, language_of(request))


@router.post(
    "/presence-checks/{check_id}/answer",
    response_model=Check,
    responses=declared(*idempotency.ERRORS, UnknownPresenceCheck, PresenceOver),
)
async def answer_presence_check(
    request: Request,
    check_id: Number,
    services: Wired,
    caller: WritesSessions,
    asked: AnsweredCheck,
    *,
    key: idempotency.Key = None,
) -> Response:
    """Say what the driver sees.

    Ask the driver, and send what they say: the check keeps them from paying for power that flows elsewhere. After no,
    nothing can be started with it, and the operator is told that a label may be a copy.
    """

    async def answer(_: UUID) -> Check:
        async with services.database.transaction() as session:
            await presence.answer(session, services, caller.driver.id, check_id, is_here=asked.is_here)
        return await _shown(services, caller.driver.id, check_id, language_of(request))

    return await idempotency.once(request, services, caller, key, answer, status=200)


async def _shown(services: Services, driver_id: UUID, check_id: UUID, language: Language) -> Check:
    async with services.database.transaction() as session:
        check = await presence.look(session, services, driver_id, check_id)
        outlet = await sites.outlet_by_id(session, check.outlet_id)
    return Check(
        id=check.id,
        outlet=outlet.code,
        method=check.method,
        state=check.state,
        asked_at=check.asked_at,
        expires_at=check.expires_at,
        tell=language.text(TELLS[check.method], name=outlet.name, code=outlet.code),
    )
