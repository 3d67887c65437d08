"""Times and powers by which a soft guard decides."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class GuardTimes:
    """Times in s, powers in W; those that the firmware has too are its defaults."""

    idle_w: float = 10.0
    idle_s: float = 600.0
    start_s: float = 600.0
    """A session that has never used power ends."""
    suspended_s: float = 1800.0
    silence_s: float = 300.0
    """Without a reading for so long while supplying; many sensors report a change only, or every few minutes."""
    silence_without_counter_s: float = 30.0
    """What flows unseen is never billed then."""
    gone_s: float = 10.0
    """A meter that says itself that it is away."""
    switch_s: float = 4.0
    """A relay follows its command within this time."""
    min_off_s: float = 3.0
    welded_w: float = 20.0
    settle_s: float = 10.0
    """Readings so soon after the opening are not taken for what flows behind it."""
    last_reading_s: float = 4.0
    """The end is told after the relay was seen open and the counter heard once more, or after this time."""
    late_s: float = 300.0
    """What the counter tells so long after the end still belongs to the session."""
    adopt_s: float = 10.0
    """After a kill a relay that is still closed may stay so for so long without a renewal."""
    save_s: float = 10.0
    """While energy is counted, memory is written so often."""
