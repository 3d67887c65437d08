"""What cloud/compose.yaml says, for running it outside of containers."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from rig.paths import ROOT

FILE = ROOT / "cloud" / "compose.yaml"
VARIABLES = {
    "PAGES_NAME": "charge.example",
    "STATIONS_NAME": "ocpp.charge.example",
    "POSTGRES_PASSWORD": "postgres0password",
    "NATS_PASSWORD": "nats0password",
}


def services() -> dict[str, dict[str, Any]]:
    """Return the services, with the variables in their places."""
    text = re.sub(r"\$\{(\w+)(?::([?-])([^}]*))?\}", _value, FILE.read_text())
    found: dict[str, dict[str, Any]] = yaml.safe_load(text)["services"]
    return found


def environment(service: str, replaced: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a service, with the names of containers replaced by what is there instead."""
    # What is empty is an empty text for Compose, which puts in the variables after it has read the file.
    made = {name: str(value or "") for name, value in services()[service]["environment"].items()}
    for old, new in replaced.items():
        made = {name: value.replace(old, new) for name, value in made.items()}
    return made


def _value(found: re.Match[str]) -> str:
    name, kind, default = found.groups()
    if name in VARIABLES:
        return VARIABLES[name]
    if kind != "-":
        raise KeyError(f"{name} has no value")
    return str(default)
