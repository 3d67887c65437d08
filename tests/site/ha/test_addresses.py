"""Which addresses of management servers are completed with which scheme."""

import pytest

from custom_components.konsento.flow_server import _complete


@pytest.mark.parametrize(
    ("typed", "used"),
    [
        ("charge.example.org/ocpp", "wss://charge.example.org/ocpp"),
        ("charge.example.org:8443/ocpp", "wss://charge.example.org:8443/ocpp"),
        ("8.8.8.8/ocpp", "wss://8.8.8.8/ocpp"),
        ("192.168.1.10:8180/ocpp", "ws://192.168.1.10:8180/ocpp"),
        ("localhost:8180/ocpp", "ws://localhost:8180/ocpp"),
        ("[::1]:8180/ocpp", "ws://[::1]:8180/ocpp"),
        ("server.local/ocpp", "ws://server.local/ocpp"),
        ("ws://8.8.8.8/ocpp", "ws://8.8.8.8/ocpp"),
        ("wss://192.168.1.10/ocpp", "wss://192.168.1.10/ocpp"),
        ("ws:", "ws:"),
        ("", "ws://"),
    ],
)
def test_an_address_without_a_scheme_is_encrypted_beyond_the_local_network(typed: str, used: str) -> None:
    assert _complete(typed) == used
