"""What the document says is what happens: generated requests, sensible and senseless, of three kinds of callers.

`make test` sends the same few hundred requests each time, `make test-properties` new ones.
"""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, settings
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

LEFT_OUT = [
    checks.positive_data_acceptance,  # what is possible depends on the outlet, the money and the key, not on the form
]
THE_SAME = settings().derandomize
EXAMPLES = 10 if THE_SAME else 60
"""Of each operation, beside those that the document itself suggests; each is sent by every caller."""
ROWS = 15 if THE_SAME else 150
"""Rows of requests of which each uses what the answers before it gave."""

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
        case.call_and_validate(base_url=server.base, headers=headers, excluded_checks=LEFT_OUT)


@pytest.mark.hypothesis
@pytest.mark.timeout(0 if not THE_SAME else 120)
def test_rows_of_requests_that_use_each_others_answers_keep_to_the_document(server: Server) -> None:
    # Ending its own token is the end of a row.
    machine = document.exclude(operation_id="endToken").as_state_machine()

    class Program(machine):  # type: ignore[misc, valid-type]  # made at run time
        """A program that may do everything."""

        def get_call_kwargs(self, case: schemathesis.Case) -> dict[str, Any]:
            return {"base_url": server.base, "headers": server.headers["everything"]}

        def validate_response(self, response: Any, case: schemathesis.Case, **more: Any) -> None:
            case.validate_response(response, headers=more.get("headers"), excluded_checks=LEFT_OUT)

    options = settings(max_examples=ROWS, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck))
    Program.run(settings=options)
