"""Whose word about the caller is believed."""

import re

import pytest

from konsento.kit.proxies import Proxies


@pytest.mark.parametrize(
    ("address", "believed"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("10.1.2.3", True),
        ("192.0.2.7", True),
        ("2001:db8::5", True),
        ("192.0.2.8", False),
        ("2001:db9::5", False),
        ("", False),
        ("unix:", False),
    ],
)
def test_this_machine_and_the_networks_that_are_named_are_believed(address: str, *, believed: bool) -> None:
    assert (address in Proxies("10.0.0.0/8", "192.0.2.7", "2001:db8::/32")) is believed


@pytest.mark.parametrize("wrong", ["proxy", "10.0.0.1/8", "300.1.1.1"])
def test_what_is_no_network_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=re.escape(wrong)):
        Proxies(wrong)
