"""One session, driven as a driver does it and measured at the relay."""

from time import monotonic
from typing import Any

from rig.driver import Driver
from rig.line import Line
from rig.suppliers import CODES

DONE = {"settled", "failed"}


async def run_session(
    line: Line, driver: Driver, outlet: int, content: tuple[str, str, str], identity: tuple[str, ...]
) -> dict[str, Any]:
    """Run a session to its receipt and return what was asked, delivered, billed and how quickly.

    `content` is kind, amount and unit; `identity` are the driver's words that the site must not have seen.
    `start_latency_ms` is from the driver's request to the firmware's report that the relay is closed;
    `stop_latency_ms` from the moment at which the limit was reached (by the load's own integral, or by the clock)
    to the report that the relay is open.
    """
    kind, amount, unit = content
    watcher = await line.watch(outlet)
    load_before = watcher.number("load_energy")
    asked_at = monotonic()
    session_id = await driver.start(CODES[outlet - 1], kind, amount, unit)
    await watcher.until(lambda states: states["relay"] is True or states.get("session_state") == "ended")
    closed_at = watcher.seen_at["relay", True]
    line.say("the relay is closed, the car is charging")
    progress = await driver.until(session_id, DONE, patience=3600)
    await watcher.until(lambda states: states["relay"] is False)
    opened_at = watcher.seen_at["relay", False]
    # The load's own integral comes with the meter's next reading.
    await watcher.until(lambda states: states["power"] == 0)
    load_wh = watcher.number("load_energy") - load_before
    delivered_mwh = int(progress["delivered_mwh"])
    requested_wh = int(progress["energy_limit_wh"] or 0)
    seconds = opened_at - closed_at
    if requested_wh:
        late = (load_wh - requested_wh) / load_wh * seconds if load_wh > requested_wh else 0.0
    elif progress["time_limit_s"]:
        late = max(0.0, seconds - int(progress["time_limit_s"]))
    else:
        late = 0.0
    seen = bytes(line.cloud_link.received)
    words = [*identity, *(word for name in identity for word in name.split()), *line.server.driver_ids()]
    return {
        "requested_wh": requested_wh or None,
        "requested": {"kind": kind, "amount": amount, "unit": unit},
        "delivered_wh": delivered_mwh // 1000,
        "delivered_mwh": delivered_mwh,
        "billed_wh": progress["billed_wh"],
        "billed_minor": progress["billed_minor"],
        "currency": progress["currency"],
        "unit_price": progress["unit_price"],
        "end_reason": progress["end_reason"],
        "overshoot_wh": round(delivered_mwh / 1000 - requested_wh, 3) if requested_wh else None,
        "seconds": progress["seconds"],
        "start_latency_ms": round((closed_at - asked_at) * 1000, 1),
        "stop_latency_ms": round(late * 1000, 1),
        "relay_closed_at_end": bool(watcher.states["relay"]),
        "site_saw_user_identity": any(word.encode() in seen for word in words if len(word) > 2),
    }
