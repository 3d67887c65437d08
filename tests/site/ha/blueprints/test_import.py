"""Importing as the link in the guide does it: Home Assistant fetches the file itself, and what it keeps is the file."""

import socket

from aiohttp import web
from blueprinted import BLUEPRINTS, FILES, inputs
from homeassistant.components.blueprint.importer import _get_github_import_url, fetch_blueprint_from_url
from homeassistant.core import HomeAssistant


async def test_every_file_is_imported_as_it_is(hass: HomeAssistant) -> None:
    application = web.Application()
    application.router.add_static("/", BLUEPRINTS)
    runner = web.AppRunner(application)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, listener).start()
    try:
        for path in FILES:
            address = f"http://127.0.0.1:{listener.getsockname()[1]}/{path.relative_to(BLUEPRINTS).as_posix()}"
            imported = await fetch_blueprint_from_url(hass, address)

            assert imported.raw_data == path.read_text()
            assert imported.blueprint.inputs.keys() == inputs(path).keys()
            assert imported.blueprint.validate() is None
    finally:
        await runner.cleanup()


def test_the_addresses_in_the_guide_are_such_as_home_assistant_understands() -> None:
    for path in FILES:
        name = path.relative_to(BLUEPRINTS).as_posix()
        assert _get_github_import_url(f"https://github.com/konsento/konsento/blob/main/blueprints/{name}") == (
            f"https://raw.githubusercontent.com/konsento/konsento/main/blueprints/{name}"
        )
