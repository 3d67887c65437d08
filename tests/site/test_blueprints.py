"""What every blueprint keeps: the form that Home Assistant makes of it, both languages, and names that exist."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from blueprinted import BLUEPRINTS, FILES, inputs, read
from homeassistant.components.automation.config import AUTOMATION_BLUEPRINT_SCHEMA
from homeassistant.components.blueprint.models import Blueprint
from homeassistant.helpers.selector import selector
from homeassistant.util.yaml import load_yaml_dict

from custom_components.konsento.const import DOMAIN
from custom_components.konsento.control.problems import Problem

REPOSITORY = Path(__file__).parents[2]
PACKAGE = REPOSITORY / "custom_components" / DOMAIN
URL = "https://github.com/konsento/konsento/blob/main/blueprints/"
JAPANESE = re.compile(r"[ぁ-んァ-ヶ一-龠]")
ENGLISH = re.compile(r"[A-Za-z]{2}")

every = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def walk(tree: Any) -> list[dict[str, Any]]:
    """Return every mapping in it."""
    if isinstance(tree, list):
        return [found for part in tree for found in walk(part)]
    if isinstance(tree, dict):
        return [tree, *(found for part in tree.values() for found in walk(part))]
    return []


@every
def test_home_assistant_takes_it(path: Path) -> None:
    blueprint = Blueprint(
        load_yaml_dict(path), expected_domain=path.parts[-3], path=path.name, schema=AUTOMATION_BLUEPRINT_SCHEMA
    )
    assert blueprint.validate() is None


@every
def test_it_says_whose_it_is_and_where_it_comes_from(path: Path) -> None:
    about = read(path)["blueprint"]

    assert about["author"] == "Konsento"
    assert about["source_url"] == URL + path.relative_to(BLUEPRINTS).as_posix()
    assert about["homeassistant"]["min_version"] == "2026.10.0"


@every
def test_everything_that_is_read_is_there_in_both_languages(path: Path) -> None:
    about = read(path)["blueprint"]
    texts = [about["name"], about["description"]]
    for section in about["input"].values():
        texts += [section[key] for key in ("name", "description") if key in section]
    for described in inputs(path).values():
        texts += [described[key] for key in ("name", "description") if key in described]
        options = next(iter(described["selector"].values())) or {}
        texts += [option["label"] for option in options.get("options", []) if option["value"] not in {"en", "ja"}]

    for text in texts:
        assert ENGLISH.search(text), text
        assert JAPANESE.search(text), text
        # A folded Japanese line would get a space in its middle.
        assert not re.search(
            r"[ぁ-んァ-ヶ一-龠、。] [ぁ-んァ-ヶ一-龠]", text.split("/")[-1].replace("Home Assistant", "")
        ), text


@every
def test_messages_are_the_same_in_both_languages(path: Path) -> None:
    for said in (found for found in walk(read(path)) if {"en", "ja"} <= found.keys()):
        assert said["en"].keys() == said["ja"].keys()
        for text in said["ja"].values():
            assert JAPANESE.search(text), text


@every
def test_no_key_is_anything_but_text(path: Path) -> None:
    """To YAML `on`, `off`, `yes` and `no` are truth values."""
    assert all(isinstance(key, str) for found in walk(read(path)) for key in found)


@every
def test_a_default_is_what_the_form_could_give(path: Path) -> None:
    for name, described in inputs(path).items():
        assert described.get("name"), name
        if "default" in described:
            selector(described["selector"])(described["default"])


@every
def test_every_input_is_used(path: Path) -> None:
    text = path.read_text()
    for name in inputs(path):
        assert re.search(rf"!input {name}$", text, re.MULTILINE), name


@every
def test_sections_have_icons(path: Path) -> None:
    for section in read(path)["blueprint"]["input"].values():
        assert "input" not in section or section["icon"].startswith("mdi:")


@every
def test_only_outlets_servers_and_sites_of_this_integration_are_offered(path: Path) -> None:
    """Who could choose another switch in the place of an outlet would have it switched."""
    kinds = {"konsento", "mobile_app"}
    for name, described in inputs(path).items():
        ((kind, options),) = described["selector"].items()
        if kind == "device":
            assert {part["integration"] for part in options["filter"]} <= kinds, name
        if kind == "target":
            assert {part["integration"] for part in options["entity"]} == {DOMAIN}, name
        if kind == "config_entry":
            assert options["integration"] == DOMAIN, name


@every
def test_triggers_conditions_and_actions_of_the_integration_exist(path: Path) -> None:
    known = {
        "trigger": yaml.safe_load((PACKAGE / "triggers.yaml").read_text()),
        "condition": yaml.safe_load((PACKAGE / "conditions.yaml").read_text()),
        "action": yaml.safe_load((PACKAGE / "services.yaml").read_text()),
    }
    for step in walk(read(path)):
        for kind, names in known.items():
            used = step.get(kind)
            if isinstance(used, str) and used.startswith(f"{DOMAIN}."):
                name = used.removeprefix(f"{DOMAIN}.")
                assert name in names, used
                fields = names[name].get("fields", {})
                assert step.get("data", {}).keys() | step.get("options", {}).keys() <= fields.keys(), used


def test_the_words_for_problems_are_those_of_the_integration() -> None:
    tables = [found["words"] for path in FILES for found in walk(read(path)) if isinstance(found.get("words"), dict)]
    assert len(tables) >= 2
    assert all(table == tables[0] for table in tables)
    assert tables[0]["en"].keys() == {str(problem) for problem in Problem}

    (offered,) = [described["problems"] for path in FILES if "problems" in (described := inputs(path))]
    assert {option["value"] for option in offered["selector"]["select"]["options"]} == tables[0]["en"].keys()


def test_all_find_the_chosen_outlets_in_the_same_way() -> None:
    templates = {
        found["outlets"]
        for path in FILES
        for found in walk(read(path))
        if isinstance(found.get("outlets"), str) and "integration_entities" in found["outlets"]
    }
    assert len(templates) == 1


def test_the_guide_has_a_link_that_imports_each() -> None:
    guide = (REPOSITORY / "docs/blueprints.md").read_text()
    for path in FILES:
        address = quote(URL + path.relative_to(BLUEPRINTS).as_posix(), safe="")
        assert f"https://my.home-assistant.io/redirect/blueprint_import/?blueprint_url={address}" in guide
