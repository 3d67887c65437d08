"""The multicast DNS responder of the host build, packet by packet; what it says is read by python-zeroconf."""

from collections.abc import Iterator
from random import Random

import pytest
from zeroconf import (  # type: ignore[attr-defined]  # public in its documentation
    DNSAddress,
    DNSIncoming,
    DNSOutgoing,
    DNSPointer,
    DNSQuestion,
    DNSRecord,
    DNSService,
    DNSText,
)
from zeroconf.const import (
    _CLASS_IN,
    _CLASS_UNIQUE,
    _FLAGS_AA,
    _FLAGS_QR_QUERY,
    _FLAGS_QR_RESPONSE,
    _TYPE_A,
    _TYPE_AAAA,
    _TYPE_ANY,
    _TYPE_NSEC,
    _TYPE_PTR,
    _TYPE_SRV,
    _TYPE_TXT,
)

from .mdns_pipe import Responder, responder

TYPE = "_esphomelib._tcp.local."
INSTANCE = f"outlet-1.{TYPE}"
HOST = "outlet-1.local."
SERVICES = "_services._dns-sd._udp.local."
QUIET_MS = 10_000
"""A moment after both announcements."""


@pytest.fixture
def device() -> Iterator[Responder]:
    """A responder that has announced itself."""
    with responder() as device:
        assert device.hear(0)[1]
        assert device.hear(1000)[1]
        yield device


def asking(name: str, kind: int, *, alone: bool = False, known: tuple[DNSRecord, ...] = ()) -> bytes:
    """Return a query, for an answer to the asker alone or to everybody."""
    query = DNSOutgoing(_FLAGS_QR_QUERY)
    question = DNSQuestion(name, kind, _CLASS_IN)
    question.unicast = alone
    query.add_question(question)
    for record in known:
        query.add_answer_at_time(record, 0)
    (packet,) = query.packets()
    return packet


def answers(packet: bytes) -> set[tuple[str, int]]:
    """Return name and type of everything in a packet."""
    return {(record.name, record.type) for record in DNSIncoming(packet).answers()}


def everybody_hears(device: Responder, packet: bytes, now_ms: int = QUIET_MS) -> bytes:
    """Return what goes to everybody within the 120 ms that an answer may take; the asker alone gets nothing."""
    alone, at_once = device.hear(now_ms, packet)
    assert alone == b""
    return at_once or device.hear(now_ms + 120)[1]


def test_it_announces_everything_twice_and_then_is_silent() -> None:
    with responder() as device:
        packets = {now_ms: device.hear(now_ms)[1] for now_ms in range(0, 10_000, 50)}
    assert [now_ms for now_ms, packet in packets.items() if packet] == [0, 1000]
    assert packets[0] == packets[1000]
    read = DNSIncoming(packets[0])
    assert read.flags == _FLAGS_QR_RESPONSE | _FLAGS_AA
    assert {(INSTANCE, _TYPE_SRV), (INSTANCE, _TYPE_TXT), (TYPE, _TYPE_PTR), (HOST, _TYPE_A)} <= answers(packets[0])
    # The shared ones must not make others forget what else they know.
    assert {record.name for record in read.answers() if not record.unique} == {TYPE, SERVICES}


def test_who_looks_for_the_service_gets_all_that_is_needed_to_connect(device: Responder) -> None:
    packet = everybody_hears(device, asking(TYPE, _TYPE_PTR))
    records = DNSIncoming(packet).answers()
    assert [record.alias for record in records if isinstance(record, DNSPointer)] == [INSTANCE]
    assert [(record.server, record.port) for record in records if isinstance(record, DNSService)] == [(HOST, 6053)]
    assert [record.text for record in records if isinstance(record, DNSText)] == [
        b"\x1cproject_name=konsento.outlet\x06empty="
    ]
    addresses = [record.address for record in records if isinstance(record, DNSAddress)]
    assert addresses == [bytes([192, 0, 2, 7]), bytes([192, 0, 2, 8])]


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        (INSTANCE, _TYPE_SRV, (INSTANCE, _TYPE_SRV)),
        (INSTANCE, _TYPE_TXT, (INSTANCE, _TYPE_TXT)),
        (INSTANCE, _TYPE_ANY, (INSTANCE, _TYPE_TXT)),
        (HOST, _TYPE_A, (HOST, _TYPE_A)),
        (HOST.upper(), _TYPE_A, (HOST, _TYPE_A)),
        (HOST, _TYPE_AAAA, (HOST, _TYPE_NSEC)),
        (SERVICES, _TYPE_PTR, (SERVICES, _TYPE_PTR)),
    ],
)
def test_every_record_can_be_asked_for(device: Responder, name: str, kind: int, expected: tuple[str, int]) -> None:
    assert expected in answers(everybody_hears(device, asking(name, kind)))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("outlet-2.local.", _TYPE_A),
        ("outlet-1.local.example.", _TYPE_A),
        ("_http._tcp.local.", _TYPE_PTR),
        (TYPE, _TYPE_SRV),
        ("local.", _TYPE_ANY),
    ],
)
def test_what_others_are_asked_for_is_left_to_them(device: Responder, name: str, kind: int) -> None:
    assert everybody_hears(device, asking(name, kind)) == b""


def test_the_shared_answer_waits_a_little_and_the_own_one_does_not(device: Responder) -> None:
    assert device.hear(QUIET_MS, asking(HOST, _TYPE_A))[1]
    assert device.hear(QUIET_MS + 5000, asking(TYPE, _TYPE_PTR))[1] == b""
    assert device.hear(QUIET_MS + 5019)[1] == b""
    assert device.hear(QUIET_MS + 5020)[1]


def test_who_asks_for_an_answer_alone_gets_one_and_the_others_are_not_disturbed(device: Responder) -> None:
    alone, everybody = device.hear(QUIET_MS, asking(TYPE, _TYPE_PTR, alone=True))
    assert everybody == b""
    assert {(TYPE, _TYPE_PTR), (INSTANCE, _TYPE_SRV), (HOST, _TYPE_A)} <= answers(alone)
    assert device.hear(QUIET_MS + 1000)[1] == b""


def test_what_nobody_has_heard_for_long_goes_to_everybody_even_so(device: Responder) -> None:
    # A quarter of 120 s after the announcement.
    alone, everybody = device.hear(31_500, asking(HOST, _TYPE_A, alone=True))
    assert alone == b""
    assert (HOST, _TYPE_A) in answers(everybody)


def test_nothing_goes_to_everybody_twice_within_a_second(device: Responder) -> None:
    assert device.hear(QUIET_MS, asking(HOST, _TYPE_A))[1]
    for now_ms in range(QUIET_MS + 50, QUIET_MS + 1000, 50):
        assert device.hear(now_ms, asking(HOST, _TYPE_A))[1] == b""
    assert device.hear(QUIET_MS + 1000)[1]
    assert device.hear(QUIET_MS + 5000)[1] == b""


def test_a_flood_of_questions_does_not_keep_an_answer_back(device: Responder) -> None:
    packets = [device.hear(now_ms, asking(TYPE, _TYPE_PTR))[1] for now_ms in range(QUIET_MS, QUIET_MS + 3000, 10)]
    assert sum(1 for packet in packets if packet) == 3


def test_what_the_asker_knows_is_not_said_again(device: Responder) -> None:
    known = DNSPointer(TYPE, _TYPE_PTR, _CLASS_IN, 4500, INSTANCE)
    assert everybody_hears(device, asking(TYPE, _TYPE_PTR, known=(known,))) == b""
    nearly_over = DNSPointer(TYPE, _TYPE_PTR, _CLASS_IN, 2000, INSTANCE)
    assert everybody_hears(device, asking(TYPE, _TYPE_PTR, known=(nearly_over,)), 20_000)
    another = DNSPointer(TYPE, _TYPE_PTR, _CLASS_IN, 4500, f"outlet-2.{TYPE}")
    assert everybody_hears(device, asking(TYPE, _TYPE_PTR, known=(another,)), 30_000)
    wrong = DNSAddress(HOST, _TYPE_A, _CLASS_IN | _CLASS_UNIQUE, 120, bytes([192, 0, 2, 9]))
    assert everybody_hears(device, asking(HOST, _TYPE_A, known=(wrong,)), 40_000)


def test_plain_dns_is_answered_as_plain_dns(device: Responder) -> None:
    query = bytearray(asking(HOST, _TYPE_A))
    query[0:2] = b"\x12\x34"
    alone, everybody = device.hear(QUIET_MS, bytes(query), from_mdns=False)
    assert everybody == b""
    read = DNSIncoming(alone)
    assert alone[0:2] == b"\x12\x34"
    assert [(question.name, question.type) for question in read.questions] == [(HOST, _TYPE_A)]
    assert [(record.type, record.unique, record.ttl) for record in read.answers()] == [(_TYPE_A, False, 10)] * 2
    assert device.hear(QUIET_MS, asking("outlet-2.local.", _TYPE_A), from_mdns=False) == (b"", b"")


def test_at_the_end_it_takes_everything_back(device: Responder) -> None:
    announced = everybody_hears(device, asking(TYPE, _TYPE_PTR))
    said = DNSIncoming(device.goodbye()).answers()
    assert {record.ttl for record in said} == {0}
    assert answers(announced) <= {(record.name, record.type) for record in said}


NAME = b"\x08outlet-1\x05local\x00"
A_IN = b"\x00\x01\x00\x01"


def packet_of(body: bytes, questions: int = 1, flags: int = 0, records: int = 0) -> bytes:
    """Return a packet with this behind the header."""
    return b"".join(number.to_bytes(2) for number in (0, flags, questions, records, 0, 0)) + body


@pytest.mark.parametrize(
    "hostile",
    [
        packet_of(NAME + A_IN, flags=0x8000),
        packet_of(NAME + A_IN, flags=0x2800),
        packet_of(NAME + A_IN, flags=0x0003),
        packet_of(NAME + A_IN, questions=2),
        packet_of(NAME + b"\x00\x01\x00\x03"),
        packet_of(NAME),
        packet_of(NAME[:-1]),
        packet_of(b"\x3foutlet-1"),
        packet_of(b"\x48outlet-1" + A_IN),
        packet_of(b"\xc0\x0c" + A_IN),
        packet_of(b"\xc0\x0e\xc0\x0c" + A_IN),
        packet_of(b"\x01a\xc0\x0c" + A_IN),
        packet_of(b"\xff\xff" + A_IN),
        packet_of(b"\xc0"),
        packet_of((b"\x3f" + b"a" * 63) * 5 + b"\x00" + A_IN),
        packet_of(NAME + A_IN, records=1),
        packet_of(NAME + A_IN + b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x78\xff\xff", records=1),
        packet_of(NAME + A_IN + b"\xc0\x0c\x00\x0c\x00\x01\x00\x00\x00\x78\x00\x01\xc0\x0c", records=1),
        packet_of(b"", questions=0xFFFF, records=0xFFFF),
        b"\x00" * 11,
        b"\x00",
    ],
    ids=lambda hostile: hostile.hex()[:60],
)
def test_a_hostile_packet_is_not_answered(device: Responder, hostile: bytes) -> None:
    for from_mdns in (True, False):
        assert device.hear(QUIET_MS, hostile, from_mdns=from_mdns) == (b"", b"")
    assert device.hear(QUIET_MS + 120)[1] == b""


def test_no_packet_whatever_breaks_it(device: Responder) -> None:
    random = Random(6762)  # noqa: S311  # the same packets each time
    good = [
        asking(TYPE, _TYPE_PTR, alone=True, known=(DNSPointer(TYPE, _TYPE_PTR, _CLASS_IN, 4500, INSTANCE),)),
        asking(INSTANCE, _TYPE_ANY),
        packet_of(NAME + A_IN + b"\xc0\x0c" + A_IN, questions=2),
    ]
    for number in range(20_000):
        packet = bytearray(random.choice(good))
        for _ in range(random.randint(1, 8)):
            packet[random.randrange(len(packet))] = random.choice(
                (0, 1, 0x0C, 0x3F, 0x40, 0xC0, 0xFF, random.randrange(256))
            )
        cut = random.randint(1, len(packet)) if random.random() < 0.3 else len(packet)
        alone, _ = device.hear(QUIET_MS + number, bytes(packet[:cut]), from_mdns=random.random() < 0.5)
        assert alone == b"" or DNSIncoming(alone).valid
    assert device.hear(1_000_000, asking(HOST, _TYPE_A, alone=True))[1]
