"""Regions in the back office: the rule beside what it would have found, saved by those who may, and explained."""

import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from konsento.backoffice.region_calendar import calendar
from konsento.feeds.deciding import decide_day
from konsento.grid.finding import day_bounds, find
from konsento.grid.regions import rule_of
from konsento.grid.replay import Replayed
from konsento.grid.rule import Reference, ReferenceMode, Rule, Threshold, ThresholdUnit
from konsento.kit.i18n import LANGUAGES
from konsento.models import GridRegion, GridWindow, Role, WindowDecision, Work

from ..forecasts import ZONE, keep_forecast, sunny
from ..recommended import REGION as CODE
from ..web.conftest import AT

if TYPE_CHECKING:
    from tests.cloud.backoffice.conftest import Office

REGION = {
    "name_en": "Tokyo", "name_ja": "東京", "time_zone": ZONE, "advises": "true",
    "reference": "percent", "percent": "5", "percentile": "60", "threshold": "30", "unit": "share",
    "supply": "generation", "shortest": "120", "gap": "1", "most": "2",
}  # fmt: skip
AT_REGION = f"/office/regions/{CODE}"
TODAY = AT.astimezone(ZoneInfo(ZONE)).date()
FIVE_AND_30 = Rule(
    reference=Reference(mode=ReferenceMode.PERCENT, value=Decimal(5)),
    threshold=Threshold(unit=ThresholdUnit.SHARE, value=Decimal(30)),
)


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


async def ten_days(office: Office, rule: Rule = FIVE_AND_30) -> None:
    """Keep ten days, today the last: eight with 8 hours of sun, one with 4, one without; two slots of night missing."""
    slots = [one for back in range(8) for one in sunny(ago(back))]
    slots = [one for one in slots if one.begin.astimezone(ZoneInfo(ZONE)).date() != ago(3)] + sunny(ago(3))[2:]
    await keep_forecast(office.bench.services, [*slots, *sunny(ago(8), (10, 14)), *sunny(ago(9), (0, 0))], rule)


async def region(office: Office) -> GridRegion:
    async with office.bench.services.database.transaction() as session:
        return (await session.scalars(select(GridRegion))).one()


async def asked_for(office: Office) -> set[str]:
    """Return which days are to be decided."""
    async with office.bench.services.database.transaction() as session:
        return set(await session.scalars(select(Work.key).where(Work.kind == "decide")))


async def test_the_calendar_counts_what_can_be_counted_by_hand(office: Office) -> None:
    await ten_days(office)
    await decide_day(office.bench.services, CODE, TODAY)
    async with office.member(Role.VIEWER) as browser:
        page = await browser.get(AT_REGION)
    words = office.bench.words(page)

    # 8 days of 8 h and one of 4 h: 68 h on 9 days.
    assert "Windows on 9 of 30 days. On average 7.6 h on such a day. Days without enough data: 20." in words
    assert "Slots missing on the other days: 2. Days with windows in force: 1." in words
    assert "Days without a window, as no data of the day have come: 20" in words
    assert "Days without a window, as the surplus is never large enough: 1" in words
    assert page.text.count("<rect") == 9
    # 8:00 is 8 · 17 units behind the 66 of the dates, 8 h are 136 wide.
    assert page.text.count('<rect x="202" y="') == 8
    assert page.text.count('width="136" height="11"') == 8
    # What was in force stands below the day's row, the first, and nothing is known of the hour before a day's data.
    assert '<path class="was" d="M202 32h136v3h-136z" />' in page.text
    assert "M66 72h17v3h-17z" in page.text
    assert "08:00–16:00 08:00–16:00 5.00 % 30.00 % 0" in words
    assert "10:00–14:00 – 5.00 % 30.00 % 0" in words


async def test_a_preview_shows_another_rule_and_saves_nothing(office: Office) -> None:
    await ten_days(office)
    async with office.member(Role.OPERATOR) as browser:
        # Full-width digits and the long minus are what people type and paste.
        values = REGION | {"percent": "−５", "threshold": "10 %", "most": "3"}
        page = await browser.get(AT_REGION, params=values)
        unasked = office.bench.words(await browser.get(AT_REGION))
    words = office.bench.words(page)

    # Every slot fulfils it: 9 whole days and one without its first hour.
    assert "Windows on 10 of 30 days. On average 23.9 h" in words
    assert "This is a preview" in words
    assert 'value="−５"' in page.text
    assert "00:00–24:00" in words
    assert "Windows on 9 of 30 days" in unasked
    assert rule_of(await region(office)) == FIVE_AND_30
    assert await office.log("region") == []
    assert await asked_for(office) == set()


async def test_a_saved_rule_is_in_the_log_and_decides_today_and_tomorrow_anew(office: Office) -> None:
    await ten_days(office)
    async with office.member(Role.OPERATOR) as browser:
        answer = await browser.post(AT_REGION, data=REGION | {"percent": "-7.5", "unit": "mw", "threshold": "1200.0"})
        page = office.bench.words(await browser.get(answer.headers["location"]))
        again = await browser.post(AT_REGION, data=REGION | {"percent": "-7.5", "unit": "mw", "threshold": "1200"})
    async with office.member(Role.ADMIN) as browser:
        log = office.bench.words(await browser.get("/office/log"))

    assert (answer.status_code, again.status_code) == (303, 303)
    assert "Saved. Today and tomorrow are decided anew" in page
    (entry,) = await office.log("region")
    assert (entry.action, entry.subject) == ("region.change", CODE)
    assert entry.details == {"surplus": "percent 5 → percent -7.5", "threshold": "share 30 → mw 1200"}
    assert await asked_for(office) == {f"{CODE}:{TODAY}", f"{CODE}:{ago(-1)}"}
    assert "changed a region or its rule" in log


async def test_a_region_that_no_longer_advises_is_not_decided(office: Office) -> None:
    await ten_days(office)
    async with office.member(Role.OPERATOR) as browser:
        off = {name: value for name, value in REGION.items() if name != "advises"}
        await browser.post(AT_REGION, data=off)

    assert not (await region(office)).advises
    assert await asked_for(office) == set()
    assert (await office.log("region"))[0].details == {"advises": "yes → no"}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"percent": "-101"}, "The surplus is a number from -100"),
        ({"percent": "1e9"}, "The surplus is a number from -100"),
        ({"reference": "auto", "percentile": "101"}, "The percentile is a number"),
        ({"reference": "much"}, "Choose what is in the lists."),
        ({"threshold": "plenty"}, "The threshold is a number"),
        ({"threshold": "1,200", "unit": "mw"}, "The threshold is a number"),
        ({"threshold": "100.5"}, "The threshold is a number"),
        ({"shortest": "4"}, "The shortest window lasts"),
        ({"gap": "5"}, "So many slots may miss"),
        ({"most": "0.5"}, "A day has 1 to 6 windows"),
    ],
)
async def test_what_cannot_be_is_named_and_the_form_stays_filled(
    office: Office, wrong: dict[str, str], says: str
) -> None:
    await keep_forecast(office.bench.services, [], FIVE_AND_30)
    async with office.member(Role.OPERATOR) as browser:
        saved = await browser.post(AT_REGION, data=REGION | wrong)
        shown = await browser.get(AT_REGION, params=REGION | wrong)

    (typed,) = [value for name, value in wrong.items() if name not in {"reference", "unit"}] or ["30"]
    for answer in (saved, shown):
        assert answer.status_code == 422
        assert says in office.bench.words(answer)
        assert f'value="{typed}"' in answer.text
    assert rule_of(await region(office)) == FIVE_AND_30


async def test_names_are_changed_and_what_they_cannot_be_is_said(office: Office) -> None:
    await keep_forecast(office.bench.services, [], FIVE_AND_30)
    async with office.member(Role.OPERATOR) as browser:
        zone = office.bench.words(await browser.post(AT_REGION, data=REGION | {"time_zone": "Tokyo"}))
        name = office.bench.words(await browser.post(AT_REGION, data=REGION | {"name_en": " "}))
        await browser.post(AT_REGION, data=REGION | {"name_en": "<b>Kanto</b>"})
        page = await browser.get(AT_REGION)

    assert "There is no such time zone" in zone
    assert "A region has an English name" in name
    assert "<b>Kanto" not in page.text
    assert "&lt;b&gt;Kanto" in page.text


async def test_a_region_is_added_from_what_is_known_and_advises_nobody_yet(office: Office) -> None:
    async with office.member(Role.OPERATOR, "ja") as browser:
        empty = office.bench.words(await browser.get("/office/regions"))
        page = (await browser.get("/office/regions/new", params={"preset": "JP-A09"})).text
        fields = dict(re.findall(r'<input id="\w+" name="(\w+)"[^>]* value="([^"]*)"', page))
        answer = await browser.post("/office/regions", data=fields)
        shown = office.bench.words(await browser.get(answer.headers["location"]))
        listed = office.bench.words(await browser.get("/office/regions"))
        twice = await browser.post("/office/regions", data=fields)
        bad = await browser.post("/office/regions", data=fields | {"code": "kyushu"})

    assert "エリアはまだ登録されていません" in empty
    assert page.index('value="JP-A01"') < page.index('value="JP-A10"') < page.index('value="AL"')
    assert answer.headers["location"] == "/office/regions/JP-A09"
    assert "九州エリア" in shown
    assert "九州エリア JP-A09" in listed
    assert (twice.status_code, bad.status_code) == (409, 422)
    added = await region(office)
    assert (added.time_zone, added.advises, rule_of(added)) == ("Asia/Tokyo", False, Rule())
    assert [entry.action for entry in await office.log("region")] == ["region.create"]


async def test_the_list_says_what_is_next_and_how_old_the_data_are(office: Office) -> None:
    await ten_days(office)
    office.bench.clock.advance(timedelta(hours=1))
    await decide_day(office.bench.services, CODE, TODAY)
    async with office.bench.services.database.transaction() as session:
        window = (await session.scalars(select(GridWindow))).one()
    async with office.member(Role.VIEWER) as browser:
        words = office.bench.words(await browser.get("/office/regions"))

    assert window.begin.astimezone(ZoneInfo(ZONE)).hour == 8
    assert "Tokyo JP-A03 windows are found" in words
    assert "08:00 – 16:00 1 h 0" in words


async def test_only_those_who_may_change_rules(office: Office) -> None:
    await ten_days(office)
    async with office.member(Role.SUPPORT) as browser:
        page = await browser.get(AT_REGION)
        refused = [
            await browser.post(AT_REGION, data=REGION | {"most": "1"}),
            await browser.post("/office/regions", data=REGION | {"code": "GB"}),
            await browser.get("/office/regions/new"),
        ]

    assert [answer.status_code for answer in refused] == [403] * 3
    assert "<form" not in page.text.split("<main", 1)[1].split("</main", 1)[0]
    assert "Supply exceeds demand by 5 % of demand" in office.bench.words(page)
    assert (await region(office)).rule == FIVE_AND_30.to_dict()


async def test_a_decision_is_explained_slot_by_slot_from_what_was_stored(office: Office) -> None:
    await ten_days(office)
    await decide_day(office.bench.services, CODE, TODAY)
    await decide_day(office.bench.services, CODE, ago(-1))
    async with office.member(Role.VIEWER) as browser:
        listed = await browser.get(f"{AT_REGION}/decisions")
        one_day = office.bench.words(await browser.get(f"{AT_REGION}/decisions", params={"day": str(TODAY)}))
        links = re.findall(rf'href="({AT_REGION}/decisions/[^"]+)"', listed.text)
        tomorrow, today = [office.bench.words(await browser.get(link)) for link in links]
        elsewhere = await browser.get(links[0].replace(CODE, "JP-A01"))

    words = office.bench.words(listed)
    assert words.index("not decided no data of the day have come") < words.index("new windows 08:00–16:00")
    assert "not decided" not in one_day
    assert "Windows 08:00–16:00 Computed again from what was stored 08:00–16:00" in today
    assert "07:30–08:00 -5.00 % 10.00 % 0.2 MW too little of both" in today
    assert "08:00–08:30 10.00 % 40.00 % 0.9 MW fulfils the rule in a window" in today
    assert "checksum differs" not in today
    assert "no data of the day have come" in tomorrow
    assert elsewhere.status_code == 404


async def test_a_decision_that_was_tampered_with_is_told(office: Office) -> None:
    await ten_days(office)
    await decide_day(office.bench.services, CODE, TODAY)
    async with office.bench.services.database.transaction() as session:
        decision = (await session.scalars(select(WindowDecision))).one()
        # The database refuses to change a decision: this is one with a checksum of other data.
        forged = {name: getattr(decision, name) for name in WindowDecision.__table__.columns.keys()}  # noqa: SIM118
        forged |= {"id": UUID(int=1), "inputs_sha256": "0" * 64}
        session.add(WindowDecision(**forged))
    async with office.member(Role.VIEWER) as browser:
        page = await browser.get(f"{AT_REGION}/decisions/{forged['id']}")

    assert "checksum differs" in office.bench.words(page)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 10, 25), "25.0"), (date(2026, 3, 29), "23.0")])
def test_days_of_25_and_23_hours_stay_within_the_drawing(day: date, hours: str) -> None:
    rule = replace(FIVE_AND_30, shortest_minutes=30)
    slots = sunny(day, (0, 25), "Europe/Berlin")
    bounds = day_bounds(day, "Europe/Berlin")
    found = find(slots, rule, day, "Europe/Berlin")
    drawn = calendar(LANGUAGES.default, [Replayed(day=day, bounds=bounds, found=found, was=())], "Europe/Berlin")

    assert drawn.counts[1] == f"On average {hours} h on such a day."
    assert drawn.rows[0].would == "00:00–24:00"
    assert (drawn.outlines[0].x, drawn.outlines[0].width) == ("66", "408")
    ((level, path),) = drawn.shades
    begins = [float(x) for x in re.findall(r"M([0-9.]+) ", path)]
    ends = [float(x) + float(width) for x, width in re.findall(r"M([0-9.]+) [0-9]+h([0-9.]+)", path)]
    # Two stretches: the hour that comes twice, or the one that is left out, parts them.
    assert (level, len(begins), min(begins), max(ends)) == (5, 2, 66, 66 + 24 * 17)
    assert drawn.missing == ""
