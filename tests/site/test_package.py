"""Every text exists in both languages, and nothing is told that there is not; test_validators has the rest."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from homeassistant.helpers.condition import Condition
from homeassistant.helpers.trigger import Trigger

from custom_components.konsento import (
    const,
    flow_measurements,
    flow_options,
    flow_outlet,
    flow_server,
    repairs,
    services,
    supervision,
)
from custom_components.konsento.button import OUTLET_BUTTONS
from custom_components.konsento.condition import CONDITIONS
from custom_components.konsento.const import OUTLET_NEWS, SERVER_NEWS
from custom_components.konsento.control.budget import Priority
from custom_components.konsento.control.happenings import Happening
from custom_components.konsento.control.holds import Suspension
from custom_components.konsento.control.occupancy import Occupancy
from custom_components.konsento.control.problems import Problem
from custom_components.konsento.control.words import EndReason, OutletState, Refusal, SessionKind
from custom_components.konsento.event import SERVER_HAPPENINGS
from custom_components.konsento.measurements.timetable import Schedule
from custom_components.konsento.news import WINDOW_ENDED, WINDOW_STARTED
from custom_components.konsento.sensor import (
    ESTIMATED_END,
    LIFETIME_ENERGY,
    NO_PROBLEM,
    NO_SESSION,
    OUTLET_SENSORS,
    SERVER_SENSORS,
    SITE_SENSORS,
)
from custom_components.konsento.sensor_measurements import MEASUREMENT_SENSORS
from custom_components.konsento.sensor_power import BUDGET_SENSORS, CIRCUIT_SENSORS
from custom_components.konsento.sensor_windows import WINDOW_SENSORS
from custom_components.konsento.site_budget import WAITING_FOR
from custom_components.konsento.texts import OUTLET_CODES, snake
from custom_components.konsento.trigger import ANY, LIMITS, NEWS, TRIGGERS

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


def test_the_manifest_says_what_the_package_is() -> None:
    manifest = json.loads((PACKAGE / "manifest.json").read_text())

    assert manifest["domain"] == PACKAGE.name == const.DOMAIN
    assert manifest["version"] == const.VERSION
    firmware = (PACKAGE.parents[1] / "esphome/packages/charging_outlet.yaml").read_text()
    assert re.findall(r'^  version: "(.+)"', firmware, re.MULTILINE) == [const.FIRMWARE]
    assert manifest["iot_class"] == "local_push"
    assert "esphome" not in manifest["dependencies"]
    assert all(" " not in requirement and "==" not in requirement for requirement in manifest["requirements"])
    assert manifest["zeroconf"] == [{"type": "_esphomelib._tcp.local.", "properties": {"project_name": "konsento.*"}}]


def test_both_languages_say_the_same_things() -> None:
    assert leaves(texts("en")).keys() == leaves(texts("ja")).keys()


def test_placeholders_are_the_same_in_both_languages() -> None:
    english, japanese = leaves(texts("en")), leaves(texts("ja"))

    for path, text in english.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", japanese[path])), path


SENSORS = [
    *OUTLET_SENSORS,
    ESTIMATED_END,
    LIFETIME_ENERGY,
    *SERVER_SENSORS,
    *SITE_SENSORS,
    *MEASUREMENT_SENSORS,
    *WINDOW_SENSORS,
    *BUDGET_SENSORS,
    *CIRCUIT_SENSORS,
]
ENTITIES = {
    "binary_sensor": {"connectivity", "problem", "recommended_window", "server_connectivity"},
    "button": {description.key for description in OUTLET_BUTTONS} | {"reconnect"},
    "event": {OUTLET_NEWS, SERVER_NEWS},
    "number": {"power_limit"},
    "select": {"priority"},
    "sensor": {description.key for description in SENSORS} | {"waiting_for"},
    "switch": {"available"},
    "update": {"firmware"},
}


def described() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((PACKAGE / "services.yaml").read_text())
    return loaded


def fields_of(action: dict[str, Any]) -> tuple[set[str], set[str]]:
    """Return the fields of an action, also those in sections, and its sections."""
    sections = {name: each["fields"] for name, each in action["fields"].items() if each and "fields" in each}
    fields = (action["fields"].keys() - sections.keys()).union(*sections.values())
    return fields, set(sections)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_entity_has_a_name(language: str) -> None:
    entity = texts(language)["entity"]

    assert {platform: set(entities) for platform, entities in entity.items()} == ENTITIES
    assert all(each["name"] for entities in entity.values() for each in entities.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_has_its_word(language: str) -> None:
    sensors = texts(language)["entity"]["sensor"]
    words = {key: set(each["state"]) for key, each in sensors.items() if "state" in each}

    assert words == {
        "state": {str(state) for state in OutletState},
        "end_reason": {snake(reason) for reason in EndReason},
        "gravest_problem": {str(problem) for problem in Problem} | {NO_PROBLEM},
        "occupancy": {str(word) for word in Occupancy},
        "session_kind": {str(kind) for kind in SessionKind} | {NO_SESSION},
        "waiting_for": set(WAITING_FOR),
    }
    assert words.items() >= {each.key: set(each.options) for each in SENSORS if each.options}.items()
    priorities = texts(language)["entity"]["select"]["priority"]["state"]
    assert set(priorities) == {priority.name.lower() for priority in Priority}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_happening_and_what_it_says_has_its_word(language: str) -> None:
    events = texts(language)["entity"]["event"]
    attributes = events[OUTLET_NEWS]["state_attributes"]
    words = {name: set(each["state"]) for name, each in attributes.items() if "state" in each}

    assert attributes.keys() == {"event_type", *NEWS}
    assert words == {
        "event_type": {str(happening) for happening in Happening},
        "end_reason": {snake(reason) for reason in EndReason},
        "limit": set(LIMITS),
        "problem": {str(problem) for problem in Problem},
        "reason": {snake(refusal) for refusal in Refusal} | {str(why) for why in Suspension},
        "session_kind": {str(kind) for kind in SessionKind},
    }
    assert events[SERVER_NEWS]["state_attributes"].keys() == {"event_type"}
    assert events[SERVER_NEWS]["state_attributes"]["event_type"]["state"].keys() == set(SERVER_HAPPENINGS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_news_have_their_sentence(language: str) -> None:
    sentences = texts(language)["common"]
    news = {key.removeprefix("news_") for key in sentences if key.startswith("news_")}

    assert {key for key in news if not key.endswith("_because")} == {
        *(str(happening) for happening in Happening),
        WINDOW_STARTED,
        WINDOW_ENDED,
    }
    assert sentences.keys() >= {f"limit_{limit}" for limit in LIMITS} | {f"session_{kind}" for kind in SessionKind}
    told = [sentences[f"news_{key}"] for key in news]
    facts = {fact for text in told for fact in re.findall(r"\{(\w+)\}", text)}
    assert facts == {"end_reason", "energy", "limit", "problem", "reason", "session", "time"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_exception_has_its_words(language: str) -> None:
    used = set(re.findall(r'translation_key="(\w+)"', sources())) | set(re.findall(r'_invalid\("(\w+)"', sources()))
    used |= {f"start_{snake(refusal)}" for refusal in Refusal}
    used |= {f"refused_{code}" for code in OUTLET_CODES | {"other"}}

    assert texts(language)["exceptions"].keys() == used


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_issue_has_its_words(language: str) -> None:
    issues = texts(language)["issues"]

    assert issues.keys() == {str(problem) for problem in Problem} | {
        supervision.ISSUE_ANOTHER_DEVICE,
        supervision.ISSUE_BUILDING_METER,
        supervision.ISSUE_CANNOT_WAIT,
        supervision.ISSUE_CLOCKS,
        supervision.ISSUE_EVENTS,
        supervision.ISSUE_REFUSED,
        supervision.ISSUE_STUCK,
        supervision.ISSUE_TOKEN,
        supervision.ISSUE_TOO_SMALL,
        supervision.ISSUE_UNGUARDED,
    }
    assert {key for key, issue in issues.items() if "fix_flow" in issue} == supervision.FIXABLE == repairs.FLOWS.keys()


REPAIRS: dict[str, tuple[set[str], set[str], set[str]]] = {
    **dict.fromkeys(supervision.LATCHED, ({"confirm"}, {"not_supported", "still_there", "silent"}, set())),
    Problem.FIRMWARE_OUTDATED: ({"confirm"}, {"still_outdated"}, set()),
    supervision.ISSUE_CLOCKS: ({"confirm"}, {"server_silent", "still_differ"}, set()),
    supervision.ISSUE_EVENTS: ({"confirm"}, set(), {"reconnected"}),
    supervision.ISSUE_TOKEN: ({"confirm"}, {"cannot_connect", "invalid_auth", "token_missing"}, set()),
    supervision.ISSUE_UNGUARDED: ({"init", "confirm"}, set(), {"see_devices"}),
}
"""Of every issue that can be fixed the steps, the errors, and the ends beside the one that all have."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_step_error_and_end_of_a_repair_has_its_words(language: str) -> None:
    for key, (steps, errors, ends) in REPAIRS.items():
        flow = texts(language)["issues"][key]["fix_flow"]
        assert flow["step"].keys() == steps
        assert flow.get("error", {}).keys() == errors
        assert flow["abort"].keys() == ends | {"part_gone"}
    source = (PACKAGE / "repairs.py").read_text()
    assert all(
        f'"{word}"' in source for steps, errors, ends in REPAIRS.values() for word in steps | ends | {"part_gone"}
    )
    told = {word for _, errors, _ in REPAIRS.values() for word in errors} - {"invalid_auth", "token_missing"}
    assert all(f'"{word}"' in source for word in told)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_option_has_its_words(language: str) -> None:
    reasons = re.findall(r'reason="(\w+)"', (PACKAGE / "flow_energy.py").read_text())
    assert texts(language)["options"]["abort"].keys() == set(reasons)
    steps = texts(language)["options"]["step"]
    assert steps["init"]["menu_options"].keys() == steps.keys() - {"init"}
    assert steps["init"]["menu_option_descriptions"].keys() == steps["init"]["menu_options"].keys()
    form = steps["numbers"]
    sections = {str(key): value for key, value in flow_options._SCHEMA.schema.items() if hasattr(value, "options")}
    plain = {str(key) for key in flow_options._SCHEMA.schema} - sections.keys()

    assert form["data"].keys() == form["data_description"].keys() == plain
    assert form["sections"].keys() == sections.keys()
    for name, section in sections.items():
        names = {str(key) for key in section.schema.schema}
        assert form["sections"][name]["data"].keys() == form["sections"][name]["data_description"].keys() == names


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_form_for_measurements_has_its_words(language: str) -> None:
    tree = texts(language)
    form = tree["options"]["step"]["measurements"]
    fields = {str(key) for key in flow_measurements.SCHEMA.schema}

    assert form["data"].keys() == form["data_description"].keys() == fields
    source = (PACKAGE / "flow_measurements.py").read_text()
    given = set(re.findall(r'(?:CONF_\w+, )"(\w+)"', source)) | {word for _, word in flow_measurements._ERRORS.values()}
    assert tree["options"]["error"].keys() == given | {"limit_missing", "no_power"}


SELECTED = {
    "limit": {ANY, *LIMITS},
    "meter_counts": {const.COUNTS_EVERYTHING, const.COUNTS_OTHERS},
    "problem": {str(problem) for problem in Problem},
    "route": set(flow_measurements.ROUTES),
    "schedule": {str(each) for each in Schedule},
    "session_kind": {ANY, *(str(kind) for kind in SessionKind)},
    "unit": {const.UNIT_AMPERE, const.UNIT_WATT},
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_that_can_be_chosen_has_its_word(language: str) -> None:
    told = {name: set(each["options"]) for name, each in texts(language)["selector"].items()}

    assert told == SELECTED


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("kind", "made"), [("triggers", TRIGGERS), ("conditions", CONDITIONS)])
def test_every_trigger_and_condition_has_its_words(
    kind: str, made: Mapping[str, type[Trigger] | type[Condition]], language: str
) -> None:
    offered = {
        key: each for key, each in yaml.safe_load((PACKAGE / f"{kind}.yaml").read_text()).items() if key[0] != "."
    }
    told = texts(language)[kind]

    assert told.keys() == offered.keys() == made.keys()
    for key, each in offered.items():
        fields = each.get("fields", {})
        assert set(told[key]) - {"fields"} == {"name", "description"}
        assert told[key].get("fields", {}).keys() == fields.keys() == taken(made[key]), key
        assert all(field["name"] for field in told[key].get("fields", {}).values())
        for field in fields.values():
            choice = field["selector"].get("select") or {}
            assert set(choice.get("options", [])) == SELECTED.get(choice.get("translation_key"), set()), key


def taken(made: type[Trigger] | type[Condition]) -> set[str]:
    """Return the options that a trigger or a condition takes."""
    schema = made._schema.schema  # type: ignore[union-attr]
    options = next(value for key, value in schema.items() if str(key) == "options")
    return {str(key) for key in options}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_action_has_its_words(language: str) -> None:
    told = texts(language)["services"]
    registered = {getattr(services, name) for name in dir(services) if name.startswith("SERVICE_")}

    assert told.keys() == described().keys() == registered
    for name, action in described().items():
        fields, sections = fields_of(action)
        assert told[name]["name"]
        assert told[name]["description"]
        assert told[name]["fields"].keys() == fields
        assert told[name].get("sections", {}).keys() == sections
        assert all(set(field) == {"name", "description"} for field in told[name]["fields"].values())


def test_the_fields_of_an_action_are_those_that_it_takes() -> None:
    schemas = {
        "start_session": services.START_SCHEMA,
        "stop_session": services.OUTLET_SCHEMA,
        "suspend_session": services.OUTLET_SCHEMA,
        "resume_session": services.OUTLET_SCHEMA,
        "set_availability": services.AVAILABILITY_SCHEMA,
        "list_sessions": services.LIST_SCHEMA,
        "link_trace": services.OUTLET_SCHEMA,
        "send_measurements": services.SEND_SCHEMA,
    }
    for name, action in described().items():
        schema = schemas[name]
        taken = schema.validators[-1] if hasattr(schema, "validators") else schema
        assert fields_of(action)[0] == {str(key) for key in taken.schema}, name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_error_of_a_form_has_its_words(language: str) -> None:
    tree = texts(language)
    outlet = {*flow_outlet._ERRORS.values(), "unknown"}
    server = {word for _, word in flow_server._ERRORS.values()} | {"unknown"}

    # What is discovered guards itself; only a plain device can turn out to be another kind.
    assert tree["config"]["error"].keys() == (outlet - {"guarded", "no_parts", "no_reading"}) | {
        "empty_name",
        "name_taken",
        "another_outlet",
    } | {f"server_{word}" for word in server}
    given = set(re.findall(r'errors\[.+?\] = "(\w+)"', (PACKAGE / "flow_outlet.py").read_text()))
    assert tree["config_subentries"]["outlet"]["error"].keys() == outlet | given
    assert tree["config_subentries"]["management_server"]["error"].keys() == server | {
        "invalid_url",
        "insecure_url",
        "invalid_label_url",
        "invalid_station_id",
        "password_missing",
    }
    flows = (PACKAGE / "config_flow.py").read_text() + (PACKAGE / "flow_reauth.py").read_text()
    assert tree["config"]["abort"].keys() == set(re.findall(r'reason="(\w+)"', flows))
    assert tree["config"]["step"].keys() == set(re.findall(r'step_id="(\w+)"', flows))


@pytest.mark.parametrize("language", LANGUAGES)
def test_system_health_has_its_words(language: str) -> None:
    shown = set(re.findall(r'^ +(?:return \{)?"(\w+)": ', (PACKAGE / "system_health.py").read_text(), re.MULTILINE))

    assert texts(language)["system_health"]["info"].keys() == shown | {"aioesphomeapi_version"}


def test_every_entity_and_action_has_its_icon() -> None:
    icons = json.loads((PACKAGE / "icons.json").read_text())

    assert {platform: set(entities) for platform, entities in icons["entity"].items()} == ENTITIES
    assert icons["services"].keys() == described().keys()
    assert icons["triggers"].keys() == TRIGGERS.keys()
    assert icons["conditions"].keys() == CONDITIONS.keys()
    assert all(icon.startswith("mdi:") for icon in leaves(icons).values())
    names = texts("en")["entity"]
    for platform, entities in icons["entity"].items():
        for key, icon in entities.items():
            assert icon["default"] not in icon.get("range", {}).values()
            if platform == "sensor":
                assert icon.get("state", {}).keys() <= names[platform][key].get("state", {}).keys()
            bounds = [float(bound) for bound in icon.get("range", {})]
            assert bounds == sorted(bounds)


def test_control_knows_nothing_of_home_assistant_or_of_the_wires() -> None:
    for path in (PACKAGE / "control").glob("*.py"):
        imports = re.findall(r"^(?:from|import) (\S+)", path.read_text(), re.MULTILINE)
        assert not [name for name in imports if name.split(".")[0] in {"homeassistant", "aioesphomeapi", "ocpp"}], path
        assert not [name for name in imports if name.startswith("..")], path


def test_measurements_outlet_and_station_stand_on_control_only() -> None:
    for folder in ("measurements", "outlet", "station"):
        for path in (PACKAGE / folder).glob("*.py"):
            imports = re.findall(r"^(?:from|import) (\S+)", path.read_text(), re.MULTILINE)
            assert not [name for name in imports if name.startswith("homeassistant")], path
            assert not [name for name in imports if name.startswith("..") and not name.startswith("..control")], path
