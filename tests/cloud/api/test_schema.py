"""What the document says is what happens: generated requests, sensible and senseless, of three kinds of callers."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
import schemathesis
import uvicorn
from hypothesis import settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from konsento.accounts.tokens import Scope
from konsento.api.install import openapi
from konsento.api.sessions import EXAMPLE
from konsento.app import PageServer
from konsento.charging import service as charging
from konsento.charging.limits import RequestedLimit
from konsento.models import LimitKind
from konsento.settings import Settings

from ..web.conftest import CODE, ORIGIN, wired
from .conftest import Api

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
EXAMPLES = 10
"""Of each operation, beside those that the document itself suggests; each is sent by every caller."""

document = schemathesis.openapi.from_dict(openapi(Settings(public_url=ORIGIN)))


class Server(threading.Thread):
    """The application in a thread of its own, with a settled session of the driver."""

    def __init__(self, options: Settings) -> None:
        super().__init__(daemon=True)
        self._options = options
        self.ready = threading.Event()
        self.headers: dict[str, dict[str, str]] = {"nobody": {}}
        self.base = ""

    def run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        async with wired(self._options) as bench:
            api = Api(bench)
            for name, scopes in (("everything", tuple(Scope)), ("health alone", (Scope.ACCOUNT_READ,))):
                self.headers[name] = {"Authorization": f"Bearer {await api.token(scopes=scopes)}"}
            wish = RequestedLimit(kind=LimitKind.ENERGY, amount=10)
            await charging.start(bench.services, await api.driver(), CODE, wish, session_id=UUID(EXAMPLE))
            await bench.site.charges("10")
            self.server = PageServer(uvicorn.Config(bench.app, port=0, log_config=None, lifespan="off"))
            serving = asyncio.create_task(self.server.serve())
            await self.server.listening.wait()
            port = self.server.servers[0].sockets[0].getsockname()[1]
            self.base = f"http://127.0.0.1:{port}/api/v1"
            self.ready.set()
            await serving


@pytest.fixture(scope="module")
def server(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = tmp_path_factory.mktemp("schema") / "konsento.sqlite3"
    path.write_bytes(template.read_bytes())
    options = Settings(
        database_url=f"sqlite+aiosqlite:///{path}",
        public_url=ORIGIN,
        welcome_credit_minor=3000,
        api_requests_per_minute=1_000_000,
    )
    server = Server(options)
    server.start()
    assert server.ready.wait(30)
    yield server
    server.server.should_exit = True
    server.join(30)


@document.parametrize()
@settings(max_examples=EXAMPLES, deadline=None)
def test_every_answer_is_as_the_document_says(case: schemathesis.Case, server: Server) -> None:
    for headers in server.headers.values():
        case.call_and_validate(base_url=server.base, headers=headers, checks=CHECKS)
