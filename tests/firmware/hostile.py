"""What hostile, broken and confused clients of the native API send. Seeded, so that a failure can be repeated.

Nothing here may lawfully change an outlet: every start, renewal and stop is wrong in some respect, so that whatever
changes is a fault of the firmware.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from aioesphomeapi.client import APIClient
from aioesphomeapi.core import MESSAGE_TYPE_TO_PROTO

from .frames import EXECUTE_SERVICE, Value, call, frame, hello, switch, varint

# The simulated world behind the outlet: who changes that is no client of an outlet.
WORLD = "load_"
# What the internal relay may be called; its key is a hash of that.
RELAY_NAMES = ("simulated_relay", "relay", "simulated_load_relay", "switch", "load_relay", "my_relay", "")
INTEGERS = (0, 1, -1, 2, 127, 128, 255, 65_536, 100_000, 2**31 - 1, -(2**31))
STRINGS = (
    b"", b"\0", b" ", b"s\0", b"s\0s", b"S ", b"%s%n%x", b"x" * 36, b"x" * 37, b"x" * 255, b"x" * 30_000,
    "電気".encode(), b"\xff\xfe\x80", b"../..", b"Remote", b"relay",
)  # fmt: skip
NO_IDS = (
    b"",
    b"\0",
    b" ",
    b"s\0",
    b"s\0s",
    b"a;b",
    b"%s%n%x",
    b"x" * 37,
    b"x" * 30_000,
    "電気".encode(),
    b"\xff\xfe\x80",
)
NO_LEASES = (-1, 301, 2**31 - 1, -(2**31))
MOST_BYTES = 32_768
"""What ESPHome takes in one message."""


def relay_keys() -> set[int]:
    """Return the keys that a relay of one of those names would have: FNV-1 of the object id, and FNV-1a."""
    keys = {0}
    for name in RELAY_NAMES:
        fnv1 = fnv1a = 2_166_136_261
        for byte in name.encode():
            fnv1 = fnv1 * 16_777_619 % 2**32 ^ byte
            fnv1a = (fnv1a ^ byte) * 16_777_619 % 2**32
        keys |= {fnv1, fnv1a}
    return keys


@dataclass(frozen=True)
class Keys:
    """The keys of an outlet's entities and actions, without those of its simulated world."""

    entities: tuple[int, ...]
    actions: Mapping[str, int]

    @classmethod
    async def of(cls, port: int) -> Keys:
        """Ask the outlet."""
        client = APIClient("127.0.0.1", port, None)
        await client.connect(login=True)
        try:
            entities, actions = await client.list_entities_services()
        finally:
            await client.disconnect()
        return cls(
            tuple(entity.key for entity in entities if not entity.object_id.startswith(WORLD)),
            {action.name: action.key for action in actions if not action.name.startswith(WORLD)},
        )


@dataclass
class Mischief:
    """Makes frames, and plays them to an outlet."""

    seed: int
    keys: Keys
    frames: int = 0
    connections: int = 0

    def __post_init__(self) -> None:
        self.random = Random(self.seed)  # noqa: S311  # no secret, but the same again

    async def play(self, port: int, seconds: float, at_a_time: int = 5) -> None:
        """Let so many clients at a time do their worst for so long."""
        until = asyncio.get_running_loop().time() + seconds
        await asyncio.gather(*(self._client(port, until) for _ in range(at_a_time)))

    async def _client(self, port: int, until: float) -> None:
        while asyncio.get_running_loop().time() < until:
            # An outlet that closes the connection or has no slot left is in its rights; whether it lives is seen after.
            with contextlib.suppress(OSError):
                await self._visit(port)

    async def _visit(self, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        self.connections += 1
        try:
            if self.random.random() < 0.9:
                writer.write(hello(self.random.choice(STRINGS)))
            frames = [self.well_framed() for _ in range(self.random.randrange(60))]
            if self.random.random() < 0.5:
                frames.append(self.ill_framed())
            writer.write(b"".join(frames))
            self.frames += len(frames)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.random.uniform(0.01, 0.3)):
                    await writer.drain()
                    while self.random.random() < 0.9 and await reader.read(65_536):
                        pass
        finally:
            if self.random.random() < 0.5:
                # A reset instead of an end.
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()

    def well_framed(self) -> bytes:
        """Return a message that the outlet can read to its end, and must not obey."""
        kinds: list[tuple[Callable[[], bytes], int]] = [
            (self.bad_call, 10),
            (self.any_message, 5),
            (self.unknown_message, 1),
            (self.relay_command, 2),
        ]
        makers, weights = zip(*kinds, strict=True)
        maker: Callable[[], bytes] = self.random.choices(makers, weights)[0]
        return maker()

    def ill_framed(self) -> bytes:
        """Return what no outlet can read to its end."""
        noise = self.random.randbytes(self.random.randrange(1, 3000))
        whole = self.any_message()
        return self.random.choice(
            [
                noise,
                b"\0" + noise,
                b"\1" + noise,  # the mark of an encrypted frame
                b"\0" + b"\x80" * self.random.randrange(1, 20) + noise,  # a length without end
                b"\0" + varint(self.random.choice((MOST_BYTES, MOST_BYTES + 1, 2**32 - 1, 2**63))) + b"\x2a" + noise,
                b"\0\x05" + varint(self.random.choice((2**16, 2**32, 2**63))) + noise,
                whole[: self.random.randrange(len(whole))],
            ]
        )

    def bad_call(self) -> bytes:
        """Return the call of an action that is wrong in at least one respect, or without meaning for a session."""
        name = self.random.choice([*self.keys.actions, "unknown"])
        key = self.keys.actions.get(name, self.random.getrandbits(32))
        foreign = b"foreign-%d" % self.random.randrange(100)
        good: dict[str, tuple[Value, ...]] = {
            "session_start": (foreign, 1000, 600, b"relay", 60),
            "session_renew": (foreign, self._integer(), 60),
            "session_limit": (foreign, 1000, 600),
            "session_stop": (foreign, b"Remote"),
            "outlet_enable": (True,),
        }
        bad: dict[str, dict[int, tuple[Value, ...]]] = {
            "session_start": {
                0: (*NO_IDS, 1, True, 1.0),
                1: (-1, 100_001, 2**31 - 1, -(2**31)),
                2: (-1, 86_401, 2**31 - 1, -(2**31)),
                3: (*STRINGS[:-1], 1, False),
                # A text or a float is read as 0, which is a lease since 1.3: the session would wait, its relay open.
                4: NO_LEASES,
            },
            "session_renew": {0: (*NO_IDS, 1), 2: (*NO_LEASES, b"60")},
            "session_limit": {
                0: (*NO_IDS, 1),
                1: (-1, 100_001, 2**31 - 1, -(2**31)),
                2: (-1, 86_401, 2**31 - 1, -(2**31)),
            },
            "session_stop": {0: (*NO_IDS, 1), 1: (b"", b"remote", b"EnergyLimitReached", b"x" * 30_000, 1)},
        }
        arguments = list(good.get(name, tuple(self._value() for _ in range(self.random.randrange(4)))))
        if name in bad and self.random.random() < 0.7:
            place = self.random.choice(list(bad[name]))
            arguments[place] = self.random.choice(bad[name][place])
        elif name in good and (name not in {"session_limit", "session_stop"} or self.random.random() < 0.5):
            # Missing and surplus arguments. (Limits or a stop of a foreign session are wrong enough.)
            counts = [count for count in (*range(8), 40) if count != len(arguments)]
            arguments = [self._value() for _ in range(self.random.choice(counts))]
        return call(key, *arguments, call_id=self.random.choice((0, 1, 2**32 - 1)))

    def any_message(self) -> bytes:
        """Return any message of the protocol with any fields of any kind, for entities that exist and others."""
        kind = self.random.choice([number for number in MESSAGE_TYPE_TO_PROTO if number != EXECUTE_SERVICE])
        key = self.random.choice([*self.keys.entities, *self.keys.actions.values(), *relay_keys()])
        message = b"\x0d" + struct.pack("<I", key) if self.random.random() < 0.5 else b""
        return frame(kind, message + self._fields(3))

    def _fields(self, depth: int) -> bytes:
        content = b""
        for _ in range(self.random.randrange(8)):
            wire_type = self.random.choice((0, 0, 1, 2, 2, 2, 3, 4, 5, 5, 6, 7))
            content += varint(self.random.choice((0, 1, 2, 3, 4, 5, 6, 9, 20, 2**29 - 1)) << 3 | wire_type)
            match wire_type:
                case 0:
                    content += varint(
                        self.random.choice((0, 1, 2**31, 2**32 - 1, 2**64 - 1, self.random.getrandbits(64)))
                    )
                case 1:
                    content += self.random.randbytes(8)
                case 2:
                    text = self.random.choice(STRINGS) if depth == 0 else self._fields(depth - 1)
                    length = len(text) + self.random.choice((0, 0, 0, 0, 1, 100, 2**32 - 1 - len(text)))
                    content += varint(length) + text
                case 5:
                    content += self.random.randbytes(4)
        return content[:MOST_BYTES]

    def unknown_message(self) -> bytes:
        """Return a message of a number that does not exist."""
        return frame(self.random.choice((0, 156, 1000, 65_535)), self.random.randbytes(self.random.randrange(200)))

    def relay_command(self) -> bytes:
        """Return the command to turn on the relay, or something else that may be it."""
        keys = [*relay_keys(), *self.keys.entities, self.random.getrandbits(32)]
        return switch(self.random.choice(keys), True)

    def _integer(self) -> int:
        return self.random.choice((*INTEGERS, self.random.randint(-(2**31), 2**31 - 1)))

    def _value(self) -> Value:
        return self.random.choice((self._integer(), self.random.choice(STRINGS), self.random.random() < 0.5, 1e30))
