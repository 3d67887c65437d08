"""Who keeps a session's limits, and how much more may flow: pure."""

from enum import StrEnum
from typing import Final

from konsento import pricing
from konsento.ocpp import Version

SAMPLE_S: Final = 15
"""How often a charger that is not ours is asked to tell its meter during a transaction."""
STOP_S: Final = 15
"""How long a charger may take from being told to stop until it has."""
CHARGER_CUT_OFF_S: Final = SAMPLE_S + STOP_S
"""How long power may flow on beyond a limit that the server watches: its prediction counts on the power of the last
reading, which may rise at once after it."""
_NEEDED: Final = frozenset({"maxenergy", "maxtime"})


class Enforcement(StrEnum):
    """Who keeps the limits of the sessions at a site."""

    OUTLET = "outlet"
    """Our own firmware, to the second."""
    CHARGER = "charger"
    """The charger, which says that it knows the limits of a transaction (2.1, E16)."""
    SERVER = "server"
    """This server: it watches the meter and stops the charger."""


def enforcement(*, ours: bool, version: Version | None, limits: str) -> Enforcement:
    """Tell who keeps limits; `limits` are those that the charger says it supports (TxCtrlr.SupportedLimits)."""
    if ours:
        return Enforcement.OUTLET
    supported = {word.strip().lower() for word in limits.split(",")}
    if version is Version.V21 and supported >= _NEEDED:
        return Enforcement.CHARGER
    return Enforcement.SERVER


def cut_off_s(*, ours: bool) -> int:
    """Return for how many seconds power may flow beyond a limit: what a hold has to be enough for.

    A charger that says it keeps limits is trusted with no driver's money before it has confirmed one.
    """
    return pricing.CUT_OFF_S if ours else CHARGER_CUT_OFF_S


def overshoot_wh(kind: Enforcement, rated_w: int, sample_s: int | None) -> int:
    """Return the most that can be expected to flow beyond a limit, Wh, where readings come every `sample_s`."""
    if kind is Enforcement.SERVER:
        return pricing.cut_off_slack_wh(rated_w, (sample_s or SAMPLE_S) + STOP_S)
    return pricing.cut_off_slack_wh(rated_w)
