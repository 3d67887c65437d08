"""What the ecosystem's validators demand of the package, and that every text exists in both languages."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from custom_components.konsento import const, flow_outlet, flow_server
from custom_components.konsento.control.words import OutletState
from custom_components.konsento.sensor import SENSORS

PACKAGE = Path(__file__).parents[2] / "custom_components/konsento"
LANGUAGES = ("en", "ja")


def texts(language: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((PACKAGE / "translations" / f"{language}.json").read_text())
    return loaded


def leaves(tree: dict[str, Any], path: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    found: dict[tuple[str, ...], str] = {}
    for key, value in tree.items():
        found |= leaves(value, (*path, key)) if isinstance(value, dict) else {(*path, key): value}
    return found


def sources() -> str:
    return "\n".join(path.read_text() for path in PACKAGE.rglob("*.py"))


def test_manifest_follows_the_rules() -> None:
    manifest = json.loads((PACKAGE / "manifest.json").read_text())
    keys = list(manifest)

    assert keys[:2] == ["domain", "name"]
    assert keys[2:] == sorted(keys[2:])
    assert manifest["domain"] == PACKAGE.name == const.DOMAIN
    assert manifest["version"] == const.VERSION
    assert manifest["iot_class"] == "local_push"
    assert manifest["documentation"].startswith("https://")
    assert manifest["issue_tracker"].startswith("https://")
    assert manifest["codeowners"]
    assert "esphome" not in manifest["dependencies"]
    assert all(" " not in requirement and "==" not in requirement for requirement in manifest["requirements"])
    assert manifest["zeroconf"] == [{"type": "_esphomelib._tcp.local.", "properties": {"project_name": "konsento.*"}}]


def test_both_languages_say_the_same_things() -> None:
    assert leaves(texts("en")).keys() == leaves(texts("ja")).keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_follow_the_rules(language: str) -> None:
    for path, text in leaves(texts(language)).items():
        assert text == text.strip(), path
        assert text, path
        assert "[%key" not in text, path
        assert not re.search(r"https?://|<[a-z]", text), path
        assert not re.search(r"'\{\w+\}'", text), path


def test_placeholders_are_the_same_in_both_languages() -> None:
    english, japanese = leaves(texts("en")), leaves(texts("ja"))

    for path, text in english.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", japanese[path])), path


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_entity_has_a_name(language: str) -> None:
    entity = texts(language)["entity"]

    assert entity["sensor"].keys() == {description.key for description in SENSORS}
    assert entity["sensor"]["state"]["state"].keys() == {str(state) for state in OutletState}
    assert entity["binary_sensor"].keys() == {"connectivity", "server_connectivity"}
    assert entity["button"].keys() == {"stop"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_exception_has_its_words(language: str) -> None:
    used = set(re.findall(r'translation_key="(\w+)"', sources()))

    assert texts(language)["exceptions"].keys() == used


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_error_of_a_form_has_its_words(language: str) -> None:
    tree = texts(language)
    outlet = {*flow_outlet._ERRORS.values(), "unknown"}
    server = {word for _, word in flow_server._ERRORS.values()} | {"invalid_url", "invalid_station_id", "unknown"}

    assert tree["config"]["error"].keys() == outlet | {"empty_name"}
    assert tree["config_subentries"]["outlet"]["error"].keys() == outlet | {"evse_taken", "another_outlet"}
    assert tree["config_subentries"]["management_server"]["error"].keys() == server
    aborts = set(re.findall(r'reason="(\w+)"', (PACKAGE / "config_flow.py").read_text()))
    assert tree["config"]["abort"].keys() == aborts


def test_icons_follow_the_rules() -> None:
    icons = json.loads((PACKAGE / "icons.json").read_text())["entity"]
    names = texts("en")["entity"]

    assert {kind: set(entities) for kind, entities in icons.items()} == {
        kind: set(entities) for kind, entities in names.items()
    }
    assert all(icon.startswith("mdi:") for icon in leaves(icons).values())
    for entities in icons.values():
        for icon in entities.values():
            assert icon["default"] not in icon.get("state", {}).values()


def test_control_knows_nothing_of_home_assistant_or_of_the_wires() -> None:
    for path in (PACKAGE / "control").glob("*.py"):
        imports = re.findall(r"^(?:from|import) (\S+)", path.read_text(), re.MULTILINE)
        assert not [name for name in imports if name.split(".")[0] in {"homeassistant", "aioesphomeapi", "ocpp"}], path
        assert not [name for name in imports if name.startswith("..")], path


def test_outlet_and_station_stand_on_control_only() -> None:
    for folder in ("outlet", "station"):
        for path in (PACKAGE / folder).glob("*.py"):
            imports = re.findall(r"^(?:from|import) (\S+)", path.read_text(), re.MULTILINE)
            assert not [name for name in imports if name.startswith("homeassistant")], path
            assert not [name for name in imports if name.startswith("..") and not name.startswith("..control")], path


def test_the_picture_is_there() -> None:
    assert (PACKAGE / "brand/icon.png").read_bytes().startswith(b"\x89PNG")
