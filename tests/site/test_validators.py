"""What hassfest and HACS refuse, held against the whole repository: both run in containers, which need GitHub."""

import ast
import hashlib
import json
import re
import string
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import voluptuous as vol
import yaml
from awesomeversion import AwesomeVersion, AwesomeVersionStrategy
from homeassistant.const import Platform
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.selector import validate_selector
from PIL import Image

from custom_components.konsento.const import FIRMWARE

REPOSITORY = Path(__file__).parents[2]
PACKAGE = REPOSITORY / "custom_components/konsento"
MANIFEST: dict[str, Any] = json.loads((PACKAGE / "manifest.json").read_text())
ENGLISH: dict[str, Any] = json.loads((PACKAGE / "translations/en.json").read_text())
ICONS: dict[str, Any] = json.loads((PACKAGE / "icons.json").read_text())
LANGUAGES = sorted(path.stem for path in (PACKAGE / "translations").glob("*.json"))


def tracked() -> list[Path]:
    """Return the files of the repository, as whoever clones it gets them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [path for name in listed.split("\0") if name and (path := REPOSITORY / name).exists()]


def leaves(tree: dict[str, Any], path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for key, value in tree.items():
        found |= leaves(value, (*path, key)) if isinstance(value, dict) else {(*path, key): value}
    return found


# --- hassfest: manifest.json


def test_the_manifest_has_only_what_home_assistant_knows_and_in_its_order() -> None:
    required = {"domain", "name", "codeowners", "documentation", "iot_class", "issue_tracker", "version"}
    known = required | {
        "after_dependencies",
        "bluetooth",
        "config_flow",
        "dependencies",
        "dhcp",
        "disabled",
        "homekit",
        "import_executor",
        "integration_type",
        "loggers",
        "mqtt",
        "quality_scale",
        "requirements",
        "single_config_entry",
        "ssdp",
        "usb",
        "zeroconf",
    }

    assert required <= MANIFEST.keys() <= known
    assert list(MANIFEST) == ["domain", "name", *sorted(MANIFEST.keys() - {"domain", "name"})]
    assert MANIFEST["domain"] == PACKAGE.name
    assert MANIFEST["integration_type"] in {"device", "entity", "hardware", "helper", "hub", "service", "system"}
    assert all(owner.startswith("@") for owner in MANIFEST["codeowners"])
    AwesomeVersion(MANIFEST["version"], ensure_strategy=[AwesomeVersionStrategy.SEMVER, AwesomeVersionStrategy.CALVER])


def test_the_manifest_leads_to_pages_of_its_own() -> None:
    for key in ("documentation", "issue_tracker"):
        assert cv.url(MANIFEST[key])
        assert MANIFEST[key].startswith("https://")
        assert "home-assistant.io" not in MANIFEST[key]


def test_what_is_discovered_is_told_in_lower_case() -> None:
    for matcher in MANIFEST["zeroconf"]:
        assert matcher.keys() <= {"type", "name", "properties"}
        values = [matcher.get("name", ""), *matcher.get("properties", {}).values()]
        assert values == [value.lower() for value in values]
    # A flow that can be discovered has a unique id.
    assert "self.async_set_unique_id" in (PACKAGE / "config_flow.py").read_text()


def test_requirements_are_named_without_blanks_and_without_urls() -> None:
    for requirement in MANIFEST["requirements"]:
        assert re.fullmatch(r"[A-Za-z0-9_.\[\]-]+([=<>~!]=?[^\s,]+)?(,[=<>~!]=?[^\s,]+)*", requirement), requirement


_FREE = {
    *(platform.value for platform in Platform),
    *("automation", "device_automation", "frontend", "homeassistant", "persistent_notification", "script"),
    *("system_health", "system_log", "webhook", "websocket_api"),
}
"""Integrations that may be imported without being named in the manifest; also those with a file of their own name."""


def imported_integrations(source: str) -> set[str]:
    found = set[str]()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "homeassistant.components":
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("homeassistant.components."):
            found.add(str(node.module).split(".")[2])
        elif isinstance(node, ast.Import):
            found |= {n.name.split(".")[2] for n in node.names if n.name.startswith("homeassistant.components.")}
    return found


def test_every_integration_that_is_imported_is_named_in_the_manifest() -> None:
    named = {*MANIFEST["dependencies"], *MANIFEST["after_dependencies"]}
    own_files = {path.stem for path in PACKAGE.glob("*.py")}

    for path in PACKAGE.rglob("*.py"):
        assert imported_integrations(path.read_text()) <= _FREE | named | own_files, path
    assert not {*MANIFEST["dependencies"]} & {*MANIFEST["after_dependencies"]}


def test_the_package_has_the_files_that_its_promises_need() -> None:
    assert MANIFEST["config_flow"] is (PACKAGE / "config_flow.py").exists()
    assert "CONFIG_SCHEMA" in (PACKAGE / "__init__.py").read_text()
    sources = {path.name: path.read_text() for path in PACKAGE.glob("*.py")}
    for module, promise in (("trigger.py", "async_get_triggers"), ("condition.py", "async_get_conditions")):
        described = (PACKAGE / f"{module.removesuffix('.py')}s.yaml").exists()
        assert (promise in sources.get(module, "")) is described
    assert any("services.async_register" in source for source in sources.values())
    assert (PACKAGE / "services.yaml").exists()


# --- hassfest: texts

_TEXT = str
_FIELDS = {
    vol.Optional(str): {vol.Required("name"): _TEXT, vol.Required("description"): _TEXT, vol.Optional("example"): _TEXT}
}
_STEP = {
    vol.Optional("title"): _TEXT,
    vol.Optional("description"): _TEXT,
    vol.Optional("submit"): _TEXT,
    **{vol.Optional(key): {str: _TEXT} for key in ("data", "data_description")},
    **{vol.Optional(key): {str: _TEXT} for key in ("menu_options", "menu_option_descriptions")},
    vol.Optional("sections"): {
        str: {
            vol.Optional("name"): _TEXT,
            vol.Optional("description"): _TEXT,
            vol.Optional("data"): {str: _TEXT},
            vol.Optional("data_description"): {str: _TEXT},
        }
    },
}
_FLOW = {
    vol.Required("step"): {str: _STEP},
    vol.Optional("flow_title"): _TEXT,
    vol.Optional("initiate_flow"): {vol.Required("user"): _TEXT},
    **{vol.Optional(key): {str: _TEXT} for key in ("abort", "create_entry", "error", "progress")},
}
_SUBENTRY_FLOW = {
    **{key: value for key, value in _FLOW.items() if key != "initiate_flow"},
    vol.Required("entry_type"): _TEXT,
    vol.Required("initiate_flow"): {vol.Required("user"): _TEXT, vol.Optional("reconfigure"): _TEXT},
}
_ATTRIBUTE = {vol.Optional("name"): _TEXT, vol.Optional("state"): {str: _TEXT}}
_ENTITY = {
    **_ATTRIBUTE,
    vol.Optional("unit_of_measurement"): _TEXT,
    vol.Optional("state_attributes"): {str: _ATTRIBUTE},
}
_DESCRIBED = {vol.Required("name"): _TEXT, vol.Required("description"): _TEXT, vol.Optional("fields"): _FIELDS}
_SHAPE = vol.Schema(
    {
        vol.Optional("common"): {str: _TEXT},
        vol.Optional("conditions"): {str: _DESCRIBED},
        vol.Optional("config"): _FLOW,
        vol.Optional("config_panel"): dict,
        vol.Optional("config_subentries"): {str: _SUBENTRY_FLOW},
        vol.Optional("device"): {str: {"name": _TEXT}},
        vol.Optional("device_automation"): {str: {str: _TEXT}},
        vol.Optional("entity"): {str: {str: _ENTITY}},
        vol.Optional("exceptions"): {str: {"message": _TEXT}},
        vol.Optional("issues"): {
            str: vol.Any(
                {vol.Required("title"): _TEXT, vol.Required("description"): _TEXT},
                {vol.Required("title"): _TEXT, vol.Required("fix_flow"): _FLOW},
            )
        },
        vol.Optional("options"): _FLOW,
        vol.Optional("selector"): {
            str: {vol.Optional(key): {str: _TEXT} for key in ("options", "choices", "unit_of_measurement")}
        },
        vol.Optional("services"): {
            str: {
                **_DESCRIBED,
                vol.Optional("sections"): {str: {vol.Required("name"): _TEXT, vol.Optional("description"): _TEXT}},
            }
        },
        vol.Optional("system_health"): {"info": {str: _TEXT}},
        vol.Optional("title"): _TEXT,
        vol.Optional("triggers"): {str: _DESCRIBED},
    }
)


def told(language: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((PACKAGE / "translations" / f"{language}.json").read_text())
    return loaded


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_stand_where_home_assistant_looks_for_them(language: str) -> None:
    _SHAPE(told(language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_is_plain_text_without_addresses_and_markup(language: str) -> None:
    for path, text in leaves(told(language)).items():
        cv.string_with_no_html(text)
        assert text == text.strip() != "", path
        assert not re.search(r"\b(\w+://|www\.)[\w-]+\.", text), path
        assert not re.search(r"'\{\w+\}'", text), path
        assert "[%" not in text, path
        assert "%]" not in text, path
        names = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
        assert all(name.isidentifier() for name in names), path
        if "state" in path[:-1] or path[-1] == "unit_of_measurement":
            assert not names, path


@pytest.mark.parametrize("language", LANGUAGES)
def test_keys_of_texts_are_what_home_assistant_takes_for_keys(language: str) -> None:
    for path in leaves(told(language)):
        assert all(re.fullmatch(r"[a-z0-9]+([_-][a-z0-9]+)*", key) for key in path), path


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_explains_a_field_explains_one_that_there_is(language: str) -> None:
    tree = told(language)
    flows = [tree["config"], tree["options"], *tree["config_subentries"].values()]
    flows += [issue["fix_flow"] for issue in tree["issues"].values() if "fix_flow" in issue]
    for flow in flows:
        for step in flow["step"].values():
            for form in (step, *step.get("sections", {}).values()):
                assert form.get("data_description", {}).keys() <= form.get("data", {}).keys()


def test_no_text_is_left_to_the_builders_of_home_assistant_itself() -> None:
    assert not list(PACKAGE.rglob("strings*.json"))
    assert not (PACKAGE / ".translations").exists()


# --- hassfest: actions, triggers, conditions and their icons


def described(kind: str) -> dict[str, Any]:
    """Return what `services.yaml`, `triggers.yaml` or `conditions.yaml` says; nothing without such a file."""
    path = PACKAGE / f"{kind}.yaml"
    loaded: dict[str, Any] = yaml.safe_load(path.read_text()) if path.exists() else {}
    return {name: each for name, each in loaded.items() if not name.startswith(".")}


def fields_and_sections(each: dict[str, Any] | None) -> tuple[dict[str, Any], set[str]]:
    fields: dict[str, Any] = {}
    sections = set[str]()
    for name, field in ((each or {}).get("fields") or {}).items():
        if "fields" in (field or {}):
            sections.add(name)
            fields |= field["fields"]
        else:
            fields[name] = field
    return fields, sections


@pytest.mark.parametrize("kind", ["services", "triggers", "conditions"])
def test_what_an_automation_can_use_has_words_and_an_icon_and_nothing_else_has(kind: str) -> None:
    there = described(kind)

    assert there.keys() == ENGLISH.get(kind, {}).keys() == ICONS.get(kind, {}).keys()
    for name, each in there.items():
        fields, sections = fields_and_sections(each)
        words = ENGLISH[kind][name]
        assert words.get("fields", {}).keys() == fields.keys(), name
        assert words.get("sections", {}).keys() == sections, name
        assert (each or {}).keys() <= {"target", "fields"}, name
        for field in fields.values():
            assert (field or {}).keys() <= {
                *("example", "default", "required", "selector", "filter", "advanced", "context")
            }, name
            if selector := (field or {}).get("selector"):
                validate_selector(selector)
                for options in selector.values():
                    if key := (options or {}).get("translation_key"):
                        assert key in ENGLISH["selector"], name


def test_icons_are_material_design_icons_in_known_places() -> None:
    inner = {"services": "service", "triggers": "trigger", "conditions": "condition"}
    assert ICONS.keys() <= {"config", "entity", "issues", "options", *inner}
    for path, icon in leaves(ICONS).items():
        assert re.fullmatch(r"mdi:[a-z0-9-]+", icon), path
    for kind, word in inner.items():
        assert all(each.keys() <= {word, "sections"} for each in ICONS.get(kind, {}).values())
    for entities in ICONS["entity"].values():
        for key, icon in entities.items():
            assert icon.keys() <= {"default", "range", "state", "state_attributes"}, key
            # Else hassfest calls it superfluous.
            assert icon.get("default") not in icon.get("state", {}).values(), key


# --- HACS


def test_hacs_finds_one_integration_and_knows_every_word_about_it() -> None:
    hacs = json.loads((REPOSITORY / "hacs.json").read_text())
    known = {"content_in_root", "country", "filename", "hacs", "hide_default_branch", "homeassistant", "name"}

    assert hacs.keys() <= known | {"persistent_directory", "render_readme", "zip_release"}
    assert hacs["name"] == MANIFEST["name"]
    assert AwesomeVersion(hacs["homeassistant"]).valid
    # Nothing is built for a release: HACS copies the folder as it is.
    assert not {"zip_release", "filename", "content_in_root"} & hacs.keys()
    assert [path.name for path in (REPOSITORY / "custom_components").iterdir() if path.name != "__pycache__"] == [
        "konsento"
    ]


def test_no_second_file_has_a_name_by_which_hacs_looks() -> None:
    names = Counter(path.name for path in tracked())

    # By its bare name, anywhere in the tree.
    assert {name: names[name] for name in ("hacs.json", "manifest.json", "README.md", "info.md")} == {
        "hacs.json": 1,
        "manifest.json": 1,
        "README.md": 1,
        "info.md": 0,
    }
    assert sum(name.lower() in {"readme", "readme.md", "info", "info.md"} for name in names.elements()) == 1
    assert (REPOSITORY / "README.md").exists()


def test_the_readme_says_at_its_head_what_it_is_and_leads_to_the_install() -> None:
    readme = (REPOSITORY / "README.md").read_text()

    assert re.search(r"!\[[^\]]+\]\(docs/images/", readme)
    assert "https://my.home-assistant.io/redirect/hacs_repository/?owner=konsento&repository=konsento" in readme
    assert "https://my.home-assistant.io/redirect/config_flow_start/?domain=konsento" in readme
    assert "docs/start.md" in readme
    assert "docs/start.ja.md" in readme
    hacs = json.loads((REPOSITORY / "hacs.json").read_text())
    assert f"Home Assistant {hacs['homeassistant'].removesuffix('.0')}" in readme


@pytest.mark.parametrize("page", ["README.md", "docs/start.md", "docs/start.ja.md", "docs/site.md"])
def test_no_link_of_a_page_that_an_owner_reads_leads_nowhere(page: str) -> None:
    path = REPOSITORY / page
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        name, _, anchor = target.partition("#")
        if "://" in target:
            continue
        linked = path.parent / name if name else path
        assert linked.exists(), target
        if anchor and linked.suffix == ".md":
            heads = re.findall(r"^#+ (.+)$", linked.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}, target


def test_the_docs_name_the_firmware_that_this_release_was_made_with() -> None:
    pages = [*(REPOSITORY / "docs").glob("*.md"), REPOSITORY / "docs/devices/index.md"]
    named = {version for page in pages for version in re.findall(r"github://\S+@v([\d.]+\d)", page.read_text())}

    assert named == {FIRMWARE}


def test_the_licence_is_one_that_is_recognised() -> None:
    # GitHub compares the words of the file with those of the licences that it knows.
    words = " ".join((REPOSITORY / "LICENSE").read_text().split())

    assert (
        hashlib.sha256(words.encode()).hexdigest() == "0ffddef9e48f8a09aed5caf2d44f7ba1c1be2d9b8e0a6f693b1635b2d5566645"
    )
    assert "Apache-2.0" in (REPOSITORY / "README.md").read_text()


# --- brand images


def test_the_brand_images_have_the_sizes_that_home_assistant_asks_for() -> None:
    sizes = {path.name: Image.open(path).size for path in (PACKAGE / "brand").iterdir()}

    assert {"icon.png", "icon@2x.png", "logo.png", "logo@2x.png"} <= sizes.keys()
    assert sizes.keys() <= {
        f"{dark}{kind}{double}.png" for dark in ("", "dark_") for kind in ("icon", "logo") for double in ("", "@2x")
    }
    for name, (width, height) in sizes.items():
        double = 2 if "@2x" in name else 1
        if "icon" in name:
            assert (width, height) == (256 * double, 256 * double), name
        else:
            assert 128 * double <= min(width, height) <= 256 * double, name
            assert width > height, name
    for path in (PACKAGE / "brand").iterdir():
        with Image.open(path) as image:
            assert image.format == "PNG", path
            assert image.convert("RGBA").getchannel("A").getextrema()[0] == 0, path
        assert path.stat().st_size < 20_000, path


# --- what a user gets


def test_the_package_stands_alone() -> None:
    for path in PACKAGE.rglob("*.py"):
        depth = len(path.relative_to(PACKAGE).parts)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level <= depth, path
                assert not (node.module or "").startswith("custom_components"), path
    shipped = [path for path in tracked() if path.is_relative_to(PACKAGE)]
    assert not [path for path in shipped if path.is_symlink()]
    assert {path.suffix for path in shipped} <= {".py", ".json", ".yaml", ".png", ".js", ".md", ".typed"}
    assert sum(path.stat().st_size for path in shipped) < 2_000_000


def test_both_validators_run_on_every_push() -> None:
    workflow = yaml.safe_load((REPOSITORY / ".github/workflows/validate.yml").read_text())
    used = {step["uses"].partition("@")[0]: step for job in workflow["jobs"].values() for step in job["steps"]}

    assert {"home-assistant/actions/hassfest", "hacs/action"} <= used.keys()
    assert used["hacs/action"]["with"] == {"category": "integration"}
    # YAML reads `on` as a truth value.
    assert {"push", "pull_request", "schedule"} == workflow[True].keys()
