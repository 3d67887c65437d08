"""Lists in parts. A cursor names the last item that was given, so that new items shift nothing."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Final, cast
from uuid import UUID

from fastapi import Query, Request
from pydantic import BaseModel

from konsento.api.errors import BadCursor
from konsento.api.problems import PREFIX
from konsento.api.schemas import Asked, Page

MOST: Final = 100
Cursor = Annotated[
    str | None, Query(max_length=300, description="Where the list goes on: from `next` of the part before.")
]
Most = Annotated[int, Query(ge=1, le=MOST, description="The most items in one part.")]


class Part(Asked):
    """Which part of a list is asked for."""

    cursor: Cursor = None
    limit: Most = 20

    def after(self) -> list[str] | None:
        """Return what the cursor holds; None for the beginning. Raises `BadCursor`."""
        if self.cursor is None:
            return None
        try:
            held = json.loads(base64.b64decode(self.cursor.encode(), altchars=b"-_", validate=True))
        except binascii.Error, ValueError, RecursionError:
            raise BadCursor from None
        if not isinstance(held, list) or not all(isinstance(one, str) and len(one) < 100 for one in held):
            raise BadCursor
        return cast("list[str]", held)

    def after_moment(self) -> tuple[datetime, UUID] | None:
        """Return the moment and the id that the cursor holds. Raises `BadCursor`."""
        match self.after():
            case None:
                return None
            case [at, number]:
                try:
                    return datetime.fromisoformat(at).astimezone(UTC), UUID(number)
                except ValueError, OverflowError:
                    raise BadCursor from None
        raise BadCursor

    def after_id(self) -> UUID | None:
        """Return the id that the cursor holds. Raises `BadCursor`."""
        match self.after():
            case None:
                return None
            case [number]:
                try:
                    return UUID(number)
                except ValueError:
                    raise BadCursor from None
        raise BadCursor

    def after_number(self) -> int | None:
        """Return the number that the cursor holds. Raises `BadCursor`."""
        match self.after():
            case None:
                return None
            case [number] if number.isascii() and number.isdecimal() and len(number) < 19:
                return int(number)
        raise BadCursor

    def after_text(self) -> str | None:
        """Return the text that the cursor holds. Raises `BadCursor`."""
        match self.after():
            case None:
                return None
            case [text] if text.isascii() and text.isprintable():
                return text
        raise BadCursor


def page[Row, Item: BaseModel](
    request: Request, part: Part, rows: Sequence[Row], item: Callable[[Row], Item], place: Callable[[Row], list[str]]
) -> Page[Item]:
    """Return a part of a list. `rows` holds one more than asked for where there is more; `place` goes into a cursor."""
    shown = rows[: part.limit]
    following: str | None = None
    if len(rows) > part.limit:
        held = base64.b64encode(json.dumps(place(shown[-1])).encode(), altchars=b"-_").decode()
        base = str(request.app.state.services.settings.public_url).rstrip("/")
        path = request.url.path.removeprefix(PREFIX)
        query = request.url.remove_query_params("cursor").include_query_params(cursor=held).query
        following = f"{base}{PREFIX}{path}?{query}"
        request.state.headers["Link"] = f'<{following}>; rel="next"'
    return Page(items=[item(row) for row in shown], next=following)
