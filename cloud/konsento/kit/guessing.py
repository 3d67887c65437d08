"""How guessing is slowed down: who counts as one guesser, and how long each further mistake makes them wait."""

from ipaddress import ip_address, ip_network
from typing import Final

FREE_FAILURES: Final = 5
"""So many typing mistakes cost no waiting."""
FIRST_WAIT_S: Final = 2
LONGEST_WAIT_S: Final = 300


def network_of(address: str) -> str:
    """Return what one customer of a provider has: an IPv4 address, or the first 64 bits of an IPv6 address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address


def wait_s(failures: int) -> int:
    """Return how long the next attempt has to wait after so many failures: from the fifth on, doubling each time."""
    over = failures - FREE_FAILURES
    return min(FIRST_WAIT_S * 2 ** min(over, 16), LONGEST_WAIT_S) if over >= 0 else 0
