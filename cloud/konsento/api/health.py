"""Whether the API can be used."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import text

from konsento.api.problems import open_to_all
from konsento.web.errors import OurFault
from konsento.web.who import Wired

router = APIRouter(tags=["Health"])


class Health(BaseModel):
    """Whether the API can be used."""

    status: Literal["ok"] = Field(examples=["ok"])


@router.get("/health", responses=open_to_all(OurFault))
async def get_health(services: Wired) -> Health:
    """Tell whether the API can be used.

    It answers, and so does its database. Needs no token.
    """
    async with services.database.transaction() as session:
        await session.execute(text("SELECT 1"))
    return Health(status="ok")
