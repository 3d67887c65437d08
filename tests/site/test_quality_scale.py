"""Our own list in the words of Home Assistant's quality scale: complete, honest, and what a program can see is true."""

import re
from pathlib import Path
from typing import Any

import yaml
from homeassistant.const import Platform

REPOSITORY = Path(__file__).parents[2]
PACKAGE = REPOSITORY / "custom_components/konsento"
RULES: dict[str, Any] = yaml.safe_load((PACKAGE / "quality_scale.yaml").read_text())["rules"]

BRONZE = """
action-setup appropriate-polling brands common-modules config-flow config-flow-test-coverage dependency-transparency
docs-actions docs-conditions docs-high-level-description docs-installation-instructions docs-removal-instructions
docs-triggers entity-event-setup entity-unique-id has-entity-name runtime-data test-before-configure test-before-setup
unique-config-entry
"""
SILVER = """
action-exceptions config-entry-unloading docs-configuration-parameters docs-installation-parameters entity-unavailable
integration-owner log-when-unavailable parallel-updates reauthentication-flow test-coverage
"""
GOLD = """
devices diagnostics discovery discovery-update-info docs-data-update docs-examples docs-known-limitations
docs-supported-devices docs-supported-functions docs-troubleshooting docs-use-cases dynamic-devices entity-category
entity-device-class entity-disabled-by-default entity-translations exception-translations icon-translations
reconfiguration-flow repair-issues stale-devices
"""
PLATINUM = "async-dependency inject-websession strict-typing"


def test_every_rule_has_its_answer_in_the_order_of_the_scale() -> None:
    assert list(RULES) == [rule for tier in (BRONZE, SILVER, GOLD, PLATINUM) for rule in tier.split()]


def test_a_rule_is_kept_or_exempt_for_a_reason() -> None:
    for name, answer in RULES.items():
        assert answer == "done" or (answer["status"] == "exempt" and len(answer["comment"]) > 20), name


def done(*rules: str) -> bool:
    return all(RULES[rule] == "done" for rule in rules)


def test_what_a_program_can_see_of_the_answers_is_true() -> None:
    sources = {path.relative_to(PACKAGE).as_posix(): path.read_text() for path in PACKAGE.rglob("*.py")}
    init, flow = sources["__init__.py"], sources["config_flow.py"]
    flows = "".join(source for name, source in sources.items() if name.startswith(("config_flow", "flow_")))
    platforms = [platform.value for platform in Platform if f"{platform.value}.py" in sources]

    assert done("action-setup") is ("async_setup_services" in init.partition("async def async_setup_entry")[0])
    assert done("config-entry-unloading") is ("async_unload_entry" in init)
    assert done("stale-devices") is ("async_remove_config_entry_device" in init)
    assert done("runtime-data") is (
        "entry.runtime_data = " in init and "hass.data[DOMAIN]" not in "".join(sources.values())
    )
    assert done("discovery") is ("async_step_zeroconf" in flow)
    assert done("reauthentication-flow") is ("async_step_reauth" in flows)
    assert done("reconfiguration-flow") is ("async def async_step_reconfigure(" in flow)
    assert done("diagnostics") is ("async_get_config_entry_diagnostics" in sources["diagnostics.py"])
    assert done("repair-issues") is ("async_create_fix_flow" in sources["repairs.py"])
    assert done("parallel-updates") is all("PARALLEL_UPDATES = " in sources[f"{each}.py"] for each in platforms)
    assert done("has-entity-name") is ("_attr_has_entity_name = True" in sources["entity.py"])
    assert done("exception-translations") is not any(
        re.search(
            r"raise (HomeAssistantError|ServiceValidationError|ConfigEntry\w+)\((?!\n? *translation_domain)", text
        )
        for text in sources.values()
    )
    assert done("inject-websession") is not any("ClientSession()" in source for source in sources.values())
    assert {f"Platform.{each.upper()}" for each in platforms} == set(re.findall(r"Platform\.[A-Z_]+", init))


def test_every_action_trigger_and_condition_is_documented() -> None:
    page = (REPOSITORY / "docs/site.md").read_text()

    for rule, kind in (
        ("docs-actions", "services"),
        ("docs-triggers", "triggers"),
        ("docs-conditions", "conditions"),
    ):
        described: dict[str, Any] = yaml.safe_load((PACKAGE / f"{kind}.yaml").read_text())
        missing = [name for name in described if not name.startswith(".") and name not in page]
        assert done(rule) is (missing == []), missing


def test_the_docs_that_the_answers_speak_of_are_there() -> None:
    page = (REPOSITORY / "docs/site.md").read_text()

    for rule, heading in {
        "docs-actions": "## Actions",
        "docs-conditions": "## Conditions",
        "docs-data-update": "## What one sees",
        "docs-installation-instructions": "## Setting up",
        "docs-installation-parameters": "| field | meaning |",
        "docs-configuration-parameters": "### Options",
        "docs-known-limitations": "## Known limits",
        "docs-removal-instructions": "### Removing it",
        "docs-supported-devices": "## What is needed",
        "docs-triggers": "## Triggers",
        "docs-troubleshooting": "## When it does not work",
        "docs-examples": "```yaml",
        "docs-use-cases": "## What it is for",
    }.items():
        assert done(rule) is (heading in page), rule
