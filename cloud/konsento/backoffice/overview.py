"""What is going on now."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from konsento.backoffice.render import office_page
from konsento.backoffice.who import Member

router = APIRouter()


@router.get("/")
async def overview_page(request: Request, member: Member) -> Response:
    """Show the overview."""
    return office_page(request, "overview.html", member=member)
