"""Frames of the native API without encryption, made by hand: a proper client library refuses to send what is wrong.

A frame is a zero, the message's length, its number and the message in protobuf.
"""

import struct

HELLO, PING, PONG, SUBSCRIBE_LOGS, SWITCH_COMMAND, EXECUTE_SERVICE = 1, 7, 8, 28, 33, 42

type Value = bool | int | float | bytes


def varint(number: int) -> bytes:
    """Return a number below 2^64 in protobuf's variable length."""
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def frame(kind: int, message: bytes = b"") -> bytes:
    """Return a message as it goes over the wire without encryption."""
    return b"\0" + varint(len(message)) + varint(kind) + message


def hello(name: bytes = b"stranger") -> bytes:
    """Return the greeting without which nothing is answered."""
    return frame(HELLO, b"\x0a" + varint(len(name)) + name + b"\x10\x01\x18\x0a")


def call(key: int, *arguments: Value, call_id: int = 1) -> bytes:
    """Return the call of an action."""
    message = b"\x0d" + struct.pack("<I", key)
    for argument in map(_argument, arguments):
        message += b"\x12" + varint(len(argument)) + argument
    return frame(EXECUTE_SERVICE, message + b"\x18" + varint(call_id))


def _argument(value: Value) -> bytes:
    match value:
        case bool():
            return b"\x08" + varint(value)
        case int():
            return b"\x28" + varint((value << 1 ^ value >> 63) & 0xFFFF_FFFF)
        case float():
            return b"\x1d" + struct.pack("<f", value)
        case bytes():
            return b"\x22" + varint(len(value)) + value


def switch(key: int, state: bool) -> bytes:
    """Return the command to turn a switch."""
    return frame(SWITCH_COMMAND, b"\x0d" + struct.pack("<I", key) + b"\x10" + varint(state))
