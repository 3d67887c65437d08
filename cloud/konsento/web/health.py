"""Whether this process can serve: asked by whatever restarts it."""

import logging

from fastapi import APIRouter
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, Response

from konsento.web.who import Wired

router = APIRouter()
_log = logging.getLogger(__name__)


@router.get("/healthz")
async def health(services: Wired) -> Response:
    """Answer 200 when the database answers, else 503."""
    try:
        async with services.database.transaction() as session:
            await session.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError) as error:
        _log.warning("the database does not answer: %s", type(error).__name__)
        return JSONResponse({"status": "no database"}, status_code=503)
    return JSONResponse({"status": "ok"})
