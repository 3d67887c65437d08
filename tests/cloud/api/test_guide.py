"""docs/api.md: what it shows is run as it stands there."""

import asyncio
import json
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from standardwebhooks import Webhook

from konsento.accounts.tokens import Scope
from konsento.api.install import openapi
from konsento.settings import Settings
from konsento.staff.tokens import StaffScope
from konsento.webhooks import signing
from konsento.webhooks.work import RETRIES

if TYPE_CHECKING:
    from .conftest import Server

GUIDE = (Path(__file__).parents[3] / "docs" / "api.md").read_text()


def block(language: str) -> str:
    """Return the code in that language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    return str(found)


async def run(commands: str, folder: Path, **variables: str) -> str:
    """Run commands and return what they print."""
    ran = await asyncio.to_thread(
        subprocess.run,
        ["bash", "-euo", "pipefail", "-c", commands],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **variables},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return str(ran.stdout)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the guide's commands use curl")
async def test_the_commands_start_watch_and_stop_a_session(server: Server, tmp_path: Path) -> None:
    printed = await run(block("bash"), tmp_path, API=server.base, TOKEN=server.token)

    assert "event: session" in printed
    assert printed.count('"stopping":true') == 2


@pytest.mark.skipif(shutil.which("curl") is None, reason="the guide's commands use curl")
async def test_the_command_sends_an_ocpp_request(server: Server, tmp_path: Path) -> None:
    token = server.headers["staff"]["Authorization"].removeprefix("Bearer ")
    printed = await run(block("sh"), tmp_path, API=server.base, OPERATOR_TOKEN=token)

    shown = json.loads(printed)
    assert shown.pop("round_trip_ms") >= 0
    assert shown == {"version": "ocpp2.1", "answer": {"status": "Accepted"}, "faults": []}


def test_the_check_of_a_signature_takes_what_is_genuine_and_nothing_else() -> None:
    names: dict[str, Any] = {}
    exec(block("python"), names)  # noqa: S102  # ours, from docs
    secret, other, now, body = signing.new_secret(), signing.new_secret(), datetime.now(UTC), b'{"id": "1"}'
    headers = signing.headers("1", now, body, [other, secret])

    assert names["event_of"](secret, headers, body) == Webhook(secret).verify(body, headers) == {"id": "1"}
    for wrong in (
        (signing.new_secret(), headers, body),
        (secret, headers, body + b" "),
        (secret, headers | {"webhook-id": "2"}, body),
        (secret, signing.headers("1", now - timedelta(minutes=6), body, [secret]), body),
    ):
        with pytest.raises(ValueError, match=r"signed|too long ago"):
            names["event_of"](*wrong)


def test_the_guide_names_all_scopes_and_only_operations_that_exist() -> None:
    paths = {re.sub(r"\{\w+\}", "{id}", path) for path in openapi(Settings())["paths"]}
    named = {re.sub(r"\{\w+\}", "{id}", path) for path in re.findall(r"`(?:GET|POST|PUT|DELETE) (/[^`?…]+)[`?]", GUIDE)}

    assert {f"`{scope}`" for scope in (*Scope, *StaffScope)} <= set(re.findall(r"`[a-z]+:[a-z]+`", GUIDE))
    assert len(named) > 10
    assert named <= paths


def test_the_guide_tells_when_deliveries_are_tried_again() -> None:
    assert [wait.total_seconds() for wait in RETRIES] == [5, 300, 1800, *(h * 3600 for h in (2, 5, 10, 14, 20, 24))]
    assert "5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 h" in GUIDE
