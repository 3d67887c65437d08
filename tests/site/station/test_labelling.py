"""What a management server tells of its outlets' labels."""

from pathlib import Path

import pytest
from csms import Payload
from hypothesis import given
from hypothesis import strategies as st
from station.conftest import Linked

from custom_components.konsento.control.journal import Journal
from custom_components.konsento.control.labels import MOST, Label, Labels
from custom_components.konsento.station.labelling import is_page

FIRST = {"evseId": 1, "code": "K7F-29Q", "url": "HTTPS://CHARGE.EXAMPLE.ORG/O/K7F29Q"}
SECOND = {"evseId": 2, "code": "M4X-R8T", "url": "https://charge.example.org/o/M4XR8T"}


def labels(data: object) -> Payload:
    message = {"vendorId": "org.konsento", "messageId": "OutletLabels"}
    return message if data is None else {**message, "data": data}


async def told(linked: Linked, data: object) -> Payload:
    answer: Payload = (await linked.csms.ask("DataTransfer", labels(data)))[2]
    return answer


async def test_a_server_tells_codes_and_pages_and_the_newest_list_counts(linked: Linked) -> None:
    await linked.online()

    assert await told(linked, {"outlets": [FIRST, SECOND]}) == {"status": "Accepted"}
    assert await told(linked, {"outlets": [SECOND]}) == {"status": "Accepted"}

    assert linked.site.labels.of(linked.station.server) == {2: Label(evse=2, code=SECOND["code"], url=SECOND["url"])}
    assert linked.site.labels.of("another server") is None


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "K7F-29Q",
        {},
        {"outlets": FIRST},
        {"outlets": ["K7F-29Q"]},
        {"outlets": [FIRST, FIRST]},
        {"outlets": [{**FIRST, "evseId": 0}]},
        {"outlets": [{**FIRST, "evseId": True}]},
        {"outlets": [{**FIRST, "evseId": "1"}]},
        {"outlets": [{**FIRST, "code": ""}]},
        {"outlets": [{**FIRST, "code": "K7F\n29Q"}]},
        {"outlets": [{**FIRST, "code": "K" * 41}]},
        {"outlets": [{**FIRST, "url": "javascript:alert(1)"}]},
        {"outlets": [{**FIRST, "url": "https://"}]},
        {"outlets": [{**FIRST, "url": "https://charge.example.org@evil.example/o"}]},
        {"outlets": [{**FIRST, "url": "https://charge.example.org/" + "o" * 500}]},
        {"outlets": [{**FIRST, "url": None}]},
        {"outlets": [{**FIRST, "evseId": number} for number in range(1, MOST + 2)]},
    ],
)
async def test_labels_that_make_no_sense_are_rejected_and_those_of_before_stay(linked: Linked, data: object) -> None:
    await linked.online()
    await told(linked, {"outlets": [FIRST]})

    answer = await told(linked, data)

    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "BadLabels")
    assert list(linked.site.labels.of(linked.station.server) or {}) == [1]


async def test_labels_outlive_a_restart_and_not_their_server(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite3")
    await journal.open()
    label = Label(evse=1, code="K7F-29Q", url="https://charge.example.org/o/K7F29Q")
    known = Labels(journal)
    await known.open()
    await known.take("kept", [label])
    await known.take("gone", [label])
    known.forget("gone")
    await journal.forget_server("gone")

    after = Labels(journal)
    await after.open()

    for each in (known, after):
        assert each.of("kept") == {1: label}
        assert each.of("gone") is None
    await journal.close()


@given(st.text(max_size=60))
def test_whatever_is_no_page_stands_in_no_code(text: str) -> None:
    for url in (text, f"https://{text}", f"https://charge.example.org/{text}"):
        if is_page(url):
            assert url.lower().startswith(("http://", "https://"))
            assert url.isascii()
            assert " " not in url
