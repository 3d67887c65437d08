"""Codes on labels: typed by people, in a car park, in the rain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konsento.sites import codes

BODIES = st.text(codes.ALPHABET, min_size=codes.LENGTH - 1, max_size=codes.LENGTH - 1)
GOOD = BODIES.map(lambda body: body + codes.check_character(body))


@given(good=GOOD, position=st.integers(0, codes.LENGTH - 1), other=st.sampled_from(codes.ALPHABET))
def test_one_wrong_character_is_never_another_outlet(good: str, position: int, other: str) -> None:
    wrong = good[:position] + other + good[position + 1 :]

    assert wrong == good or codes.check_character(wrong[:-1]) != wrong[-1]


@given(good=GOOD, position=st.integers(0, codes.LENGTH - 2))
def test_two_swapped_neighbours_are_never_another_outlet(good: str, position: int) -> None:
    swapped = good[:position] + good[position + 1] + good[position] + good[position + 2 :]

    assert swapped == good or codes.check_character(swapped[:-1]) != swapped[-1]
    assert swapped in codes.slips(good)


@pytest.mark.parametrize("typed", ["K7F29Q", "k7f-29q", " K7F 29Q ", "k7f29q\n", "K7F\u201029Q", "K7F2_9Q", "K7FZ9Q"])
def test_capitals_dashes_spaces_and_look_alikes_do_not_matter(typed: str) -> None:
    assert codes.normal(typed) == "K7F29Q"


def test_new_codes_are_codes_that_nobody_misreads() -> None:
    for _ in range(200):
        code = codes.new_code()
        assert codes.is_code(code)
        assert codes.normal(code.lower()) == code
        assert not set(code) & set("0O1IL")


@pytest.mark.parametrize("text", ["", "K7F", "K7F29Q" * 3, "K7F29!", "日本語コード"])
def test_what_cannot_be_a_code_is_none(text: str) -> None:
    assert not codes.is_code(codes.normal(text))


def test_the_label_is_readable() -> None:
    assert codes.label("K7F29Q") == "K7F-29Q"
