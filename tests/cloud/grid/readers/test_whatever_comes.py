"""Whatever a source answers: its format is found out by what it holds, or it is refused with a reason."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konsento.grid import errors
from konsento.grid.readers import FORMATS, read

from ..files import (
    DIALECTS,
    NO_DATA,
    Sample,
    area_file,
    british_region,
    electricity_maps,
    entsoe_file,
    entsoe_prices,
    jepx_file,
    juyo_file,
    mix_file,
    occto_file,
    own_csv,
    zipped,
)

DAY = date(2026, 4, 5)
BEGIN = datetime(2026, 4, 4, 15, tzinfo=UTC)
TODAY = juyo_file(DAY, [(900, 950, 1300)] * 24, [(900, 300)] * 288)
SAMPLES = {
    "jp_area": area_file("kyushu", DAY),
    "jp_forecast_today": Sample("juyo_03_20260405.csv", TODAY.content),
    "jp_mix": mix_file(DAY),
    "occto": occto_file([DAY]),
    "jepx": jepx_file([DAY]),
    "entsoe": entsoe_file("A65", "A01", {"": [1000] * 24}, BEGIN),
    "uk_carbon": british_region(BEGIN),
    "electricity_maps": electricity_maps(BEGIN),
    "csv": own_csv(DAY),
    "json": Sample(
        "own.json", b'{"region": "DE", "slots": [{"begin": "2026-04-01T00:00Z", "minutes": 60, "demand": 9}]}'
    ),
}
OTHERS = [
    *(area_file(dialect, DAY) for dialect in DIALECTS),
    entsoe_prices([1.5] * 96, BEGIN),
    Sample("no data", NO_DATA),
    Sample("AREA_202604.zip", zipped([area_file("tokyo", DAY)])),
]
PAGE = b"<!DOCTYPE html><html><head><title>503 Service Unavailable</title></head><body>Sorry</body></html>"


def test_there_is_a_sample_of_every_format() -> None:
    assert SAMPLES.keys() == FORMATS.keys()


@pytest.mark.parametrize("word", FORMATS)
def test_the_format_is_found_out_and_an_other_one_is_refused(word: str) -> None:
    sample = SAMPLES[word]

    assert read(sample.content, name=sample.name).format == word
    assert read(sample.content, name=sample.name, format=word).format == word
    for other in FORMATS.keys() - {word}:
        with pytest.raises(errors.Unreadable):
            read(sample.content, name=sample.name, format=other)


@pytest.mark.parametrize("word", FORMATS)
def test_slots_are_in_order_and_none_is_there_twice_or_both_there_and_missing(word: str) -> None:
    reading = read(SAMPLES[word].content, name=SAMPLES[word].name)
    keys = [(slot.region, slot.series, slot.begin) for slot in reading.slots]

    assert keys == sorted(set(keys))
    assert not {(slot.region, slot.begin) for slot in reading.slots} & set(reading.missing)


@pytest.mark.parametrize("word", [None, *FORMATS])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", errors.EmptyFile),
        (b"\r\n \r\n", errors.EmptyFile),
        (b"\xef\xbb\xbf", errors.EmptyFile),
        (PAGE, errors.WebPage),
        (b"\xef\xbb\xbf\n" + PAGE.lower(), errors.WebPage),
        (b"<?xml version='1.0'?>" + PAGE, errors.WebPage),
        ("<html><title>メンテナンス</title>".encode("cp932"), errors.WebPage),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00", errors.NotText),
        (b"0" * 20_000_001, errors.TooLarge),
        (b"PK\x03\x04" + b"0" * 20_000_000, errors.TooLarge),
        (b"PK\x03\x04nothing", errors.BadArchive),
    ],
    ids=range(11),
)
def test_what_is_no_data_is_refused_with_its_reason(
    content: bytes, reason: type[errors.Unreadable], word: str | None
) -> None:
    with pytest.raises(errors.Unreadable) as caught:
        read(content, format=word)

    assert type(caught.value) is reason


def test_a_page_is_told_by_its_title_and_an_unknown_text_by_its_beginning() -> None:
    with pytest.raises(errors.WebPage, match="503 Service Unavailable"):
        read(PAGE)
    with pytest.raises(errors.UnknownFormat, match="Access denied"):
        read(b"Access denied.\n")
    with pytest.raises(errors.UnknownFormat):
        read(b'{"message": "Limit exceeded, \\"x\\""}')


@given(st.binary(max_size=400), st.sampled_from([None, *FORMATS]))
def test_bytes_are_read_or_refused(content: bytes, word: str | None) -> None:
    with pytest.raises(errors.Unreadable):
        read(content, name="JP-A03", format=word)


@given(st.text(max_size=300), st.sampled_from(["utf-8", "cp932"]), st.text(max_size=20))
def test_text_is_read_or_refused(text: str, encoding: str, name: str) -> None:
    with pytest.raises(errors.Unreadable):
        read(text.encode(encoding, "replace"), name=name)


@given(st.data())
def test_changed_files_are_read_or_refused(data: st.DataObject) -> None:
    """Bytes are cut out, replaced and doubled anywhere."""
    sample = data.draw(st.sampled_from([*SAMPLES.values(), *OTHERS]))
    content = sample.content
    for _ in range(data.draw(st.integers(1, 3))):
        begin = data.draw(st.integers(0, len(content)))
        end = data.draw(st.integers(begin, min(begin + data.draw(st.sampled_from([1, 9, 99, 9999])), len(content))))
        bits = st.sampled_from(
            [b"", b"0", b"-", b",", b"9" * 50, b"\n", b'"', b"1e9", b"\xff", b"<", b"}", b"2026/2/30"]
        )
        content = content[:begin] + data.draw(bits | st.just(content[begin:end] * 2)) + content[end:]

    try:
        reading = read(content, name=sample.name, region=data.draw(st.sampled_from([None, "JP-A09", "DK-DK2"])))
    except errors.Unreadable:
        return
    for slot in reading.slots:
        assert slot.demand_kwh is None or slot.demand_kwh > 0
        assert slot.share is None or slot.share >= 0
        assert 5 <= slot.minutes <= 60
