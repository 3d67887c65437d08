"""The cards and the dashboard that come with the integration, made known to Home Assistant's frontend."""

import asyncio
import hashlib
from pathlib import Path
from typing import Final

from homeassistant.components.frontend import DATA_EXTRA_MODULE_URL, add_extra_js_url, remove_extra_js_url
from homeassistant.components.http.server import StaticPathConfig
from homeassistant.components.lovelace.const import LOVELACE_DATA
from homeassistant.components.lovelace.resources import ResourceStorageCollection
from homeassistant.core import HomeAssistant
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN

FOLDER: Final = Path(__file__).parent / "frontend"
BASE_URL: Final = f"/{DOMAIN}_frontend/"
MODULE: Final = "konsento.js"
"""The one that imports the others."""
_URL: Final[HassKey[str]] = HassKey(f"{DOMAIN}_frontend_url")
_CHANGES: Final[HassKey[asyncio.Lock]] = HassKey(f"{DOMAIN}_frontend_changes")


def version_of(folder: Path) -> str:
    """Return a name for the content of the files: browsers keep each url for a month."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.js")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


async def async_setup_frontend(hass: HomeAssistant) -> None:
    """Serve the files, once for all sites."""
    version = await hass.async_add_executor_job(version_of, FOLDER)
    # The version is in the path, not behind it, so that it also holds for the modules that are imported.
    path = f"{BASE_URL}{version}"
    await hass.http.async_register_static_paths([StaticPathConfig(path, str(FOLDER), cache_headers=True)])
    hass.data[_URL] = f"{path}/{MODULE}"


async def async_tell_frontend(hass: HomeAssistant) -> None:
    """Make the module known, in the place of the one of an earlier version. Does nothing without a frontend.

    A dashboard waits for its resources before it is drawn, which it does not for other modules. Where the owner keeps
    the resources in YAML they are not ours to change, and the module is loaded with the page.
    """
    url = hass.data[_URL]
    async with _changes(hass):
        if (resources := _resources(hass)) is None:
            if DATA_EXTRA_MODULE_URL in hass.data:
                add_extra_js_url(hass, url)
            return
        known = await _known(resources)
        if not known:
            await resources.async_create_item({"res_type": "module", "url": url})
            return
        first, *others = known
        if first["url"] != url:
            await resources.async_update_item(first["id"], {"res_type": "module", "url": url})
        for each in others:
            await resources.async_delete_item(each["id"])


async def async_forget_frontend(hass: HomeAssistant) -> None:
    """Take the module away, as the last site is gone; it may not have been set up in this run."""
    async with _changes(hass):
        if (resources := _resources(hass)) is not None:
            for each in await _known(resources):
                await resources.async_delete_item(each["id"])
        elif DATA_EXTRA_MODULE_URL in hass.data and (url := hass.data.get(_URL)):
            remove_extra_js_url(hass, url)


def _changes(hass: HomeAssistant) -> asyncio.Lock:
    # Sites are set up side by side, and none may add the module that another one is adding.
    return hass.data.setdefault(_CHANGES, asyncio.Lock())


def _resources(hass: HomeAssistant) -> ResourceStorageCollection | None:
    data = hass.data.get(LOVELACE_DATA)
    if data is None or not isinstance(data.resources, ResourceStorageCollection):
        return None
    return data.resources


async def _known(resources: ResourceStorageCollection) -> list[dict[str, str]]:
    # Before it is loaded, the collection looks empty.
    await resources.async_get_info()
    return [each for each in resources.async_items() if each["url"].startswith(BASE_URL)]
