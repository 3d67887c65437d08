"""What the document says is what happens: generated requests, sensible and senseless, of three kinds of callers.

`make test` sends the same few hundred requests each time, `make test-properties` new ones.
"""

from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi import checks

from konsento.api.install import openapi
from konsento.settings import Settings

from ..web.conftest import ORIGIN

if TYPE_CHECKING:
    from .conftest import Server

LEFT_OUT = [
    checks.positive_data_acceptance,  # what is possible depends on the outlet, the money and the key, not on the form
]
THE_SAME = settings().derandomize
EXAMPLES = 10 if THE_SAME else 60
"""Of each operation, beside those that the document itself suggests; each is sent by every caller."""
ROWS = 15 if THE_SAME else 150
"""Rows of requests of which each uses what the answers before it gave."""

document = schemathesis.openapi.from_dict(openapi(Settings(public_url=ORIGIN)))


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
