"""The few settings of the device model that a management server may read and write."""

from collections.abc import Callable
from dataclasses import dataclass

from .messages import status_info
from .rpc import Payload


@dataclass(frozen=True, slots=True)
class Variable:
    """One setting: whole seconds from 1 to `most`."""

    read: Callable[[], int]
    write: Callable[[int], None]
    most: int


type Variables = dict[tuple[str, str], Variable]
"""By names of component and variable."""


def get(variables: Variables, asked: list[Payload]) -> list[Payload]:
    """Answer the items of GetVariables."""
    results = []
    for item in asked:
        result = _echo(item)
        variable, status = _find(variables, item)
        if variable:
            result["attributeValue"] = str(variable.read())
        results.append({**result, "attributeStatus": status})
    return results


def put(variables: Variables, asked: list[Payload]) -> list[Payload]:
    """Answer the items of SetVariables, doing those that can be done."""
    results = []
    for item in asked:
        result = _echo(item)
        variable, status = _find(variables, item)
        if variable:
            text = str(item["attributeValue"])
            if text.isascii() and text.isdigit() and 1 <= int(text) <= variable.most:
                variable.write(int(text))
            else:
                status = "Rejected"
                result["attributeStatusInfo"] = status_info("InvalidValue", f"whole seconds from 1 to {variable.most}")
        results.append({**result, "attributeStatus": status})
    return results


def _echo(item: Payload) -> Payload:
    return {key: item[key] for key in ("component", "variable", "attributeType") if key in item}


def _find(variables: Variables, item: Payload) -> tuple[Variable | None, str]:
    component, name = str(item["component"]["name"]), str(item["variable"]["name"])
    if item.get("attributeType", "Actual") != "Actual":
        return None, "NotSupportedAttributeType"
    # OCPP compares names of components and variables without regard to case.
    for (known_component, known_name), variable in variables.items():
        if (known_component.lower(), known_name.lower()) == (component.lower(), name.lower()):
            return variable, "Accepted"
    known = any(known_component.lower() == component.lower() for known_component, _ in variables)
    return None, "UnknownVariable" if known else "UnknownComponent"
