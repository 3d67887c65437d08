"""The device model of OCPP (2.1 part 1, chapter 4): variables of components, read, set and reported in one way."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from .frames import Payload
from .messages import status_info

type DataType = Literal[
    "string", "decimal", "integer", "boolean", "dateTime", "OptionList", "SequenceList", "MemberList"
]
_CRITERIA = {"Active": True, "Available": True, "Enabled": True, "Problem": False}
"""What a component reports on, with the value that holds for one that does not have the variable (B08.FR.05)."""


_SUMMARY = frozenset({"AvailabilityState", "Available", "Problem"})


class InvalidValueError(ValueError):
    """A value that a variable cannot take; the message says what it can."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Variable:
    """One variable. `least` and `most` bound a number, or the length of a string."""

    component: str
    name: str
    instance: str | None = None
    evse: int | None = None
    connector: int | None = None
    read: Callable[[], str] | None = None
    """None: it can only be written."""
    write: Callable[[str], None] | None = None
    """None: it can only be read."""
    kind: DataType = "string"
    unit: str | None = None
    least: int | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def mutability(self) -> str:
        """MutabilityEnumType."""
        if self.write is None:
            return "ReadOnly"
        return "ReadWrite" if self.read else "WriteOnly"

    def set(self, text: str) -> None:
        """Write a value; raises InvalidValueError."""
        if self.write is None:
            raise InvalidValueError("this variable can only be read")
        if self.kind == "integer":
            # str.isdigit accepts other scripts' digits.
            if not (text.isascii() and text.isdigit() and self._in_range(int(text))):
                raise InvalidValueError(f"a whole number from {self.least} to {self.most}")
        elif not self._in_range(len(text)):
            raise InvalidValueError(f"{self.least} to {self.most} characters")
        self.write(text)

    def _in_range(self, number: int) -> bool:
        return (self.least is None or number >= self.least) and (self.most is None or number <= self.most)

    def part(self) -> Payload:
        """Return its component, as on the wire."""
        component: Payload = {"name": self.component}
        if self.evse is not None:
            component["evse"] = {"id": self.evse}
            if self.connector is not None:
                component["evse"]["connectorId"] = self.connector
        return component

    def report(self) -> Payload:
        """Return its item of a NotifyReport."""
        attribute: Payload = {"type": "Actual", "mutability": self.mutability, "persistent": True, "constant": False}
        if self.read:
            attribute["value"] = self.read()
        characteristics: Payload = {"dataType": self.kind, "supportsMonitoring": False}
        if self.unit:
            characteristics["unit"] = self.unit
        if self.least is not None:
            characteristics["minLimit"] = self.least
        if self.most is not None:
            characteristics["maxLimit"] = self.most
        if self.choices:
            characteristics["valuesList"] = ",".join(self.choices)
        variable: Payload = {"name": self.name}
        if self.instance:
            variable["instance"] = self.instance
        return {
            "component": self.part(),
            "variable": variable,
            "variableAttribute": [attribute],
            "variableCharacteristics": characteristics,
        }


class DeviceModel:
    """All variables at one moment; outlets come and go, so it is made anew for every question."""

    def __init__(self, variables: Iterable[Variable]) -> None:
        self._variables = list(variables)

    def get(self, asked: Sequence[Payload]) -> list[Payload]:
        """Answer the items of GetVariables."""
        results = []
        for item in asked:
            result = _echo(item)
            variable, status = self._find(item)
            if variable:
                if variable.read:
                    result["attributeValue"] = variable.read()
                else:
                    status = "Rejected"
                    result["attributeStatusInfo"] = status_info("WriteOnly")
            results.append({**result, "attributeStatus": status})
        return results

    def put(self, asked: Sequence[Payload]) -> list[Payload]:
        """Answer the items of SetVariables, doing those that can be done."""
        results = []
        for item in asked:
            result = _echo(item)
            variable, status = self._find(item)
            if variable:
                try:
                    variable.set(str(item["attributeValue"]))
                except InvalidValueError as error:
                    status = "Rejected"
                    reason = "InvalidValue" if variable.write else "ReadOnly"
                    result["attributeStatusInfo"] = status_info(reason, str(error))
            results.append({**result, "attributeStatus": status})
        return results

    def inventory(self, base: str) -> list[Payload]:
        """Return what GetBaseReport asks for: everything, what can be set, or the state of things."""
        return [
            variable.report()
            for variable in self._variables
            if base == "FullInventory"
            or (base == "ConfigurationInventory" and variable.write)
            or (base == "SummaryInventory" and variable.name in _SUMMARY)
        ]

    def report(self, criteria: Sequence[str], wanted: Sequence[Payload]) -> list[Payload]:
        """Return what GetReport asks for: components that meet one of the criteria and are named (none: all)."""
        return [
            variable.report()
            for variable in self._variables
            if (not criteria or any(self._meets(variable, criterion) for criterion in criteria))
            and (not wanted or any(_is_wanted(variable, item) for item in wanted))
        ]

    def _meets(self, variable: Variable, criterion: str) -> bool:
        for other in self._variables:
            if other.name == criterion and other.part() == variable.part() and other.read:
                return other.read() == "true"
        return _CRITERIA[criterion]

    def _find(self, item: Payload) -> tuple[Variable | None, str]:
        if item.get("attributeType", "Actual") != "Actual":
            return None, "NotSupportedAttributeType"
        of_component = [variable for variable in self._variables if _is_of(variable, item["component"])]
        if not of_component:
            return None, "UnknownComponent"
        for variable in of_component:
            if _is_named(variable, item["variable"]):
                return variable, "Accepted"
        return None, "UnknownVariable"


def _echo(item: Payload) -> Payload:
    return {key: item[key] for key in ("component", "variable", "attributeType") if key in item}


def _is_of(variable: Variable, component: Payload) -> bool:
    # OCPP compares names of components and variables without regard to case.
    evse = component.get("evse", {})
    return (
        variable.component.lower() == str(component["name"]).lower()
        and component.get("instance") is None
        and (variable.evse, variable.connector) == (evse.get("id"), evse.get("connectorId"))
    )


def _is_named(variable: Variable, name: Payload) -> bool:
    return (
        variable.name.lower() == str(name["name"]).lower()
        and (variable.instance or "").lower() == str(name.get("instance") or "").lower()
    )


def _is_wanted(variable: Variable, item: Payload) -> bool:
    component = item["component"]
    if "evse" in component:
        if not _is_of(variable, component):
            return False
    elif variable.component.lower() != str(component["name"]).lower():
        # Without an EVSE all components of that name are meant (B08.FR.11).
        return False
    if "variable" not in item:
        return True
    wanted = item["variable"]
    if "instance" not in wanted:
        return variable.name.lower() == str(wanted["name"]).lower()
    return _is_named(variable, wanted)
