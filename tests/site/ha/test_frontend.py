"""The frontend loads what the integration brings, once, in its newest version, and no longer than there is a site."""

import asyncio
import re
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from homeassistant.components.frontend import DATA_EXTRA_MODULE_URL
from homeassistant.components.lovelace.const import LOVELACE_DATA
from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.konsento import frontend
from custom_components.konsento.const import DOMAIN
from custom_components.konsento.frontend import BASE_URL, FOLDER, MODULE, version_of

OLD = f"{BASE_URL}0123456789ab/{MODULE}"
OTHER = {"id": "other", "type": "module", "url": "/local/other.js"}


def resource(url: str, name: str = "ours") -> dict[str, str]:
    return {"id": name, "type": "module", "url": url}


def kept(hass_storage: dict[str, Any], *items: dict[str, str]) -> None:
    """Have resources from an earlier run."""
    hass_storage["lovelace_resources"] = {"version": 1, "key": "lovelace_resources", "data": {"items": list(items)}}


async def urls(hass: HomeAssistant) -> list[str]:
    resources = hass.data[LOVELACE_DATA].resources
    await resources.async_get_info()
    return [each["url"] for each in resources.async_items()]


@pytest.fixture
def url() -> str:
    """Return where the module is in this version."""
    return f"{BASE_URL}{version_of(FOLDER)}/{MODULE}"


@pytest.fixture
async def dashboards(hass: HomeAssistant) -> None:
    """Set up dashboards whose resources are kept by Home Assistant, as they are by default."""
    assert await async_setup_component(hass, "lovelace", {})


async def add_site(hass: HomeAssistant, title: str = "Car park") -> MockConfigEntry:
    entry = MockConfigEntry(domain=DOMAIN, title=title, data={})
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    return entry


async def test_the_first_site_makes_the_module_known_and_the_last_one_takes_it_away(
    hass: HomeAssistant, hass_storage: dict[str, Any], url: str
) -> None:
    kept(hass_storage, OTHER)
    assert await async_setup_component(hass, "lovelace", {})
    first = await add_site(hass)
    second = await add_site(hass, "Supermarket")
    assert await urls(hass) == [OTHER["url"], url]

    await hass.config_entries.async_reload(first.entry_id)
    await hass.config_entries.async_remove(first.entry_id)
    assert await urls(hass) == [OTHER["url"], url]

    await hass.config_entries.async_remove(second.entry_id)
    assert await urls(hass) == [OTHER["url"]]

    third = await add_site(hass)
    assert await urls(hass) == [OTHER["url"], url]
    await hass.config_entries.async_unload(third.entry_id)


async def test_a_new_version_takes_the_place_of_the_old_one_and_of_its_doubles(
    hass: HomeAssistant, hass_storage: dict[str, Any], url: str
) -> None:
    kept(hass_storage, resource(OLD), OTHER, resource(OLD, "double"))
    assert await async_setup_component(hass, "lovelace", {})

    await add_site(hass)

    assert await urls(hass) == [url, OTHER["url"]]


async def test_sites_that_start_side_by_side_add_it_once(hass: HomeAssistant, dashboards: None, url: str) -> None:
    await add_site(hass)
    await frontend.async_forget_frontend(hass)

    await asyncio.gather(*(frontend.async_tell_frontend(hass) for _ in range(3)))

    assert await urls(hass) == [url]


async def test_a_site_that_never_ran_since_the_start_leaves_nothing_behind(
    hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    kept(hass_storage, resource(OLD))
    assert await async_setup_component(hass, "lovelace", {})
    entry = MockConfigEntry(domain=DOMAIN, title="Car park", data={}, disabled_by=ConfigEntryDisabler.USER)
    entry.add_to_hass(hass)

    await hass.config_entries.async_remove(entry.entry_id)

    assert await urls(hass) == []


async def test_resources_in_yaml_are_left_alone_and_the_module_comes_with_the_page(
    hass: HomeAssistant, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, str]] = []

    class Urls:
        def add(self, url: str) -> None:
            told.append(("added", url))

        def remove(self, url: str) -> None:
            told.append(("removed", url))

    assert await async_setup_component(
        hass,
        "lovelace",
        {"lovelace": {"resource_mode": "yaml", "resources": [{"type": "module", "url": "/local/a.js"}]}},
    )
    monkeypatch.setitem(hass.data, DATA_EXTRA_MODULE_URL, Urls())
    entry = await add_site(hass)
    assert await urls(hass) == ["/local/a.js"]
    assert told == [("added", url)]

    await hass.config_entries.async_remove(entry.entry_id)
    assert told[1:] == [("removed", url)]


async def test_a_site_runs_without_a_frontend(hass: HomeAssistant) -> None:
    entry = await add_site(hass)

    assert LOVELACE_DATA not in hass.data
    assert DATA_EXTRA_MODULE_URL not in hass.data
    assert await hass.config_entries.async_remove(entry.entry_id) == {"require_restart": False}


async def test_all_modules_are_served_under_a_url_of_their_own_version(
    hass: HomeAssistant, hass_client_no_auth: ClientSessionGenerator, url: str
) -> None:
    await add_site(hass)
    client = await hass_client_no_auth()
    found, waiting = set[str](), [MODULE]
    while waiting:
        name = waiting.pop()
        found.add(name)
        answer = await client.get(url.replace(MODULE, name))
        assert answer.status == HTTPStatus.OK, name
        assert answer.content_type in {"text/javascript", "application/javascript"}
        assert "max-age" in answer.headers["Cache-Control"]
        imported = re.findall(r'(?:from|import) "\./([^"]+)"', await answer.text())
        waiting += [each for each in imported if each not in found]

    assert found == {path.name for path in FOLDER.iterdir()}


def test_every_change_of_a_file_has_another_url(tmp_path: Path) -> None:
    versions = set()
    for name, text in (("a.js", "1"), ("a.js", "2"), ("b.js", "2")):
        (tmp_path / name).write_text(text)
        versions.add(version_of(tmp_path))

    assert len(versions) == 3


def test_nothing_is_loaded_from_elsewhere() -> None:
    # It works without the internet, and says nothing to anybody: the only addresses are those of our own documentation.
    for path in FOLDER.glob("*.js"):
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert set(re.findall(r"(?:https?:)?//[\w.]+\.\w+", text)) <= {"https://github.com"}, path.name
        assert "innerHTML" not in text, path.name


@pytest.mark.parametrize("file", ["texts.js", "texts-views.js"])
def test_both_languages_say_the_same_things(file: str) -> None:
    texts = (FOLDER / file).read_text()
    english, japanese = texts.split("  ja: {")
    keys = [re.findall(r'^    (\w+): "(.*)",$', part, re.MULTILINE) for part in (english, japanese)]

    assert [name for name, _ in keys[0]] == [name for name, _ in keys[1]]
    for (name, one), (_, other) in zip(*keys, strict=True):
        assert sorted(re.findall(r"\{\w+\}", one)) == sorted(re.findall(r"\{\w+\}", other)), name


@pytest.mark.parametrize(
    ("file", "named"),
    [
        # Those of forms and views are named after what they stand for.
        ("texts.js", ("edit_", "view_")),
        ("texts-views.js", ("days_", "energy_", "size_", "trouble_", "type_")),
    ],
)
def test_every_text_is_used_and_exists(file: str, named: tuple[str, ...]) -> None:
    texts = (FOLDER / file).read_text()
    known = set(re.findall(r'^    (\w+): "', texts.split("  ja: {")[0], re.MULTILINE))
    code = "\n".join(text for path in FOLDER.glob("*.js") if f'from "./{file}"' in (text := path.read_text()))
    used = set(re.findall(r'\bt\([\w.]+(?:\(\))?, "(\w+)"', code))

    assert used <= known
    unused = {name for name in known - used if not re.search(rf"\b{name}\b", code)}
    assert {name for name in unused if not name.startswith(named)} == set()
