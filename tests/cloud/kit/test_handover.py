"""Links between servers: what was signed is believed for a while, and nothing else is."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konsento.kit import handover
from konsento.kit.handover import BadLink, Handover, OldLink, Wish

AT = datetime(2026, 11, 29, 20, 0, tzinfo=UTC)
KEY = handover.new_key()
SENDER, RECEIVER = "https://sakura.example", "https://kaze.example"
GOOD = Handover(
    sender=SENDER,
    receiver=RECEIVER,
    outlet="K3VQ5B2XJ6M7.1",
    back=f"{SENDER}/o/K7F29Q",
    wish=Wish(offer="wind", kind="energy", amount="6", unit="kWh"),
    expires=handover.expiry(AT),
)


def read(token: str, now: datetime = AT, receiver: str = RECEIVER) -> Handover:
    return Handover.read(token, receiver=receiver, key_of={SENDER: KEY}.get, now=now)


def test_what_was_signed_is_read_as_often_as_it_comes() -> None:
    token = GOOD.signed(KEY)

    assert read(token) == read(token) == GOOD


@pytest.mark.parametrize("where", range(0, len(GOOD.signed(KEY)), 7))
def test_a_link_with_one_character_changed_is_none(where: int) -> None:
    token = GOOD.signed(KEY)
    changed = token[:where] + ("A" if token[where] != "A" else "B") + token[where + 1 :]

    with pytest.raises(BadLink):
        read(changed)


@given(st.text(max_size=200))
def test_whatever_comes_instead_is_none(token: str) -> None:
    with pytest.raises(BadLink):
        read(token)


def test_a_link_holds_for_a_quarter_of_an_hour_and_is_then_known_as_an_old_one() -> None:
    token = GOOD.signed(KEY)
    assert read(token, AT + timedelta(minutes=14, seconds=59)) == GOOD

    with pytest.raises(OldLink) as old:
        read(token, AT + timedelta(minutes=15))
    assert old.value.handover == GOOD


@pytest.mark.parametrize(
    "changes",
    [
        {"expires": handover.expiry(AT + timedelta(hours=1))},
        {"receiver": "https://other.example"},
        {"sender": "https://other.example", "back": "https://other.example/o/X"},
        {"back": "https://evil.example/"},
        {"back": "https://sakura.example.evil.example/"},
        {"back": "https://sakura.example@evil.example/"},
    ],
)
def test_a_link_that_is_signed_and_says_too_much_is_none(changes: dict[str, object]) -> None:
    with pytest.raises(BadLink) as refused:
        read(GOOD.model_copy(update=changes).signed(KEY))
    assert not isinstance(refused.value, OldLink)


def test_another_key_signs_nothing_here() -> None:
    with pytest.raises(BadLink):
        read(GOOD.signed(handover.new_key()))


def test_keys_are_told_from_other_texts() -> None:
    assert handover.is_key(KEY)
    assert len(KEY) == 47
    for text in ("", "kps_", KEY[:-1], KEY + "AAAA", KEY.replace("kps_", "kon_"), "kps_" + "ä" * 43):
        assert not handover.is_key(text)
