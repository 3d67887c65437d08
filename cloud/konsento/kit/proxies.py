"""Reverse proxies: whose word about the caller is believed."""

from ipaddress import ip_address, ip_network
from typing import Final

THIS_MACHINE: Final = ("127.0.0.1", "::1")


class Proxies:
    """Whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed: this machine's, and those of these networks.

    Raises ValueError for what is neither an address nor a network.
    """

    def __init__(self, *networks: str) -> None:
        self.networks = [ip_network(network) for network in (*THIS_MACHINE, *networks)]

    def __contains__(self, address: object) -> bool:
        try:
            parsed = ip_address(str(address))
        except ValueError:
            return False
        return any(parsed in network for network in self.networks)
