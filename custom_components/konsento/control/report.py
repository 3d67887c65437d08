"""What an outlet says about itself."""

from dataclasses import dataclass

from .words import EndReason, OutletState


@dataclass(frozen=True, kw_only=True, slots=True)
class OutletReport:
    """One consistent reading of an outlet. The outlet is the truth for its relay and its energy."""

    state: OutletState
    session_id: str
    """Of the running or the last session, empty before the first."""
    end_reason: EndReason | None
    """None while a session runs."""
    energy_mwh: int
    """Energy of that session, mWh; never falls within it."""
    supply_s: int
    """Seconds of supply of that session."""
    power_w: float
    lifetime_mwh: int | None
    """Energy since the outlet was made, mWh; never falls. None while the outlet has not said."""
    boot_id: str
    """Another one after every boot."""
    fault: str = ""
    """Name of the gravest fault, empty without."""
    enabled: bool = True
    relay: bool | None = None
    """True = closed, None where the outlet does not say."""
    without_power: bool = False
    """Nothing flowed in the last supplies: nobody plugged in, or the relay does not close."""
    button: bool = False
    """The outlet's button is pressed: somebody stands in front of it."""
    lease_left_s: float | None = None
    voltage_v: float | None = None
    current_a: float | None = None
    temperature_c: float | None = None
    relay_cycles: int | None = None
    """How often the relay has closed in its life."""

    @property
    def faulted(self) -> bool:
        """Whether the outlet refuses sessions because of a fault."""
        return self.state is OutletState.FAULT or bool(self.fault)
