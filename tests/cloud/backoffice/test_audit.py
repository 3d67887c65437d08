"""The audit log is whole: every form of the back office leaves an entry that says who, what and why."""

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from konsento.kit.ids import new_id
from konsento.models import (
    Alarm,
    AlarmKind,
    AuditEntry,
    Contract,
    Coupon,
    Driver,
    GridSource,
    Partner,
    PointRule,
    Role,
    StaffMember,
    StaffToken,
    Tariff,
)
from konsento.ocpp.messages import (
    DataTransfer,
    DataTransferResponse,
    DataTransferStatus,
    GetTransactionStatus,
    GetTransactionStatusResponse,
)
from konsento.operations import alarms

from .bills import issued
from .paying import failed_refund, overpaid
from .test_pending import waiting
from .test_regions import REGION
from .test_remote import ANSWERS, play
from .test_sites import FIELDS, NEW, OUTLET, SITE, picture
from .test_statements import owed
from .test_who_may_what import OPEN, routes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cloud.backoffice.conftest import Office

WHY = {"reason": "asked for by phone"}
UNLOGGED = {("POST", "/signin"), ("POST", "/signout"), ("POST", "/invitation/{token}")}
"""Tested with the sign-in: whoever they are about is not signed in before, or after."""


async def _ids(office: Office, model: Any) -> list[Any]:
    async with office.bench.services.database.transaction() as session:
        return list(await session.scalars(select(model.id).order_by(model.id)))


async def test_every_form_is_in_the_log(office: Office, tmp_path: Path) -> None:
    services = office.bench.services
    services.settings.mail_folder = tmp_path
    status = GetTransactionStatusResponse(ongoing_indicator=True, messages_in_queue=False)
    traced = DataTransferResponse(status=DataTransferStatus.ACCEPTED, data={"hops": []})
    play(office, ANSWERS | {GetTransactionStatus: status, DataTransfer: traced})
    async with office.bench.driver("ann@example.com") as driver, office.member(Role.ADMIN) as browser:
        billed = (await office.bench.start(driver, "100")).removeprefix("/s/")
        await office.bench.site.charges("100", seconds=600)
        bill = await issued(office.bench, driver)
        running = (await office.bench.start(driver)).removeprefix("/s/")
        await office.bench.site.reports("0")
        someone, _ = await office.enrolled(Role.VIEWER)
        (ann,) = await _ids(office, Driver)
        async with services.database.transaction() as session:
            await alarms.report(session, services.clock.now(), AlarmKind.METER_DOUBTFUL, billed)
        (alarm,) = await _ids(office, Alarm)
        paid = await overpaid(office)
        failed = await failed_refund(office, paid)
        station, site = "/stations/{station_id}", "/sites/{station_id}"
        outlet = f"{site}/outlets/{{evse_id}}"
        own_site, own_outlet = SITE.removeprefix("/office"), OUTLET.removeprefix("/office")
        files = {
            f"{site}/plan": {"picture": ("plan.png", picture(), "image/png")},
            "/feeds/{number}/upload": {"file": ("day.csv", b"none", "text/csv")},
        }
        price = {"of": "demo", "unit_price": "40", "tax": "10", "supplier": "Sakura Energy", "sure": "true"}
        await browser.post("/office/prices", data=price | {"begins": "2026-12-24T00:00"})
        coming = (await _ids(office, Tariff))[-1]
        first, second = [await waiting(office, name) for name in ("Acme:0001", "Acme:0002")]
        await browser.post("/office/staff/tokens", data={"name": "old planner", "days": "1"})
        (held,) = await _ids(office, StaffToken)
        sun = {"title": "Sun", "kind": "percent", "value": "10"}
        await browser.post("/office/rewards/coupons", data=sun)
        await browser.post("/office/rewards/rules", data={"points": "1"})
        (coupon,), (rule,) = await _ids(office, Coupon), await _ids(office, PointRule)
        other = {"name": "Kaze Denki", "base_url": "https://kaze.example"}
        await browser.post("/office/partners", data=other)
        (partner,) = await _ids(office, Partner)
        feed = {"name": "Tokyo", "region": "JP-A03", "url": "https://data.example/{yyyymmdd}.csv"}
        await browser.post("/office/feeds", data=feed)
        (source,) = await _ids(office, GridSource)
        await browser.post("/office/suppliers", data={"code": "A1", "name": "Sakura Energy"})
        await browser.post("/office/suppliers/A1/contracts", data={"supplier_share": "70"})
        (contract,) = await _ids(office, Contract)
        payee, payout_id = await owed(office, 500), str(new_id())
        payout = {"amount": "100", "paid_on": "2026-11-20", "reference": "TR 1", "once": payout_id}
        noted = str(new_id())
        at_bank = {"amount": "100", "paid_on": "2026-11-20", "reference": "TR 1", "once": noted}
        forms: dict[str, tuple[str, dict[str, str], str]] = {
            "/bills/{number}/send": (f"/bills/{bill}/send", {}, "bill.send"),
            "/bills/{number}/paid": (f"/bills/{bill}/paid", at_bank, "bill.paid"),
            "/bills/{number}/returned": (
                f"/bills/{bill}/returned", at_bank | {"amount": "1", "once": str(new_id())}, "bill.returned",
            ),
            "/bills/payments/{number}/take-back": (f"/bills/payments/{noted}/take-back", {}, "bill.take-back"),
            "/bills/{number}/withdraw": (f"/bills/{bill}/withdraw", {}, "bill.withdraw"),
            "/statements/{number}/payouts": (f"/statements/{payee}/payouts", payout, "payout.record"),
            "/statements/payouts/{number}/take-back": (
                f"/statements/payouts/{payout_id}/take-back", {}, "payout.take-back",
            ),
            "/sessions": ("/sessions", {"email": "ann@"} | WHY, "driver.search"),
            "/sessions/{number}/check": (f"/sessions/{running}/check", {}, "session.check"),
            "/sessions/{number}/stop": (f"/sessions/{running}/stop", WHY, "session.stop"),
            "/sessions/{number}/receipt": (f"/sessions/{billed}/receipt", {}, "session.send-receipt"),
            "/sessions/{number}/correct": (
                f"/sessions/{billed}/correct", {"amount": "1", "once": str(new_id())} | WHY, "session.correct",
            ),
            "/drivers": ("/drivers", {"text": "ann"} | WHY, "driver.search"),
            "/drivers/{number}": (f"/drivers/{ann}", WHY, "driver.look"),
            "/drivers/{number}/sign-out": (f"/drivers/{ann}/sign-out", WHY, "driver.sign-out"),
            "/drivers/{number}/credit": (
                f"/drivers/{ann}/credit", {"amount": "500", "once": str(new_id())} | WHY, "driver.credit",
            ),
            "/payments/{number}/look": (f"/payments/{paid}/look", {}, "payment.look"),
            "/payments/{number}/refund": (
                f"/payments/{paid}/refund", {"amount": "1", "once": str(new_id())} | WHY, "payment.refund",
            ),
            "/payments/{number}/paid-otherwise": (
                f"/payments/{paid}/paid-otherwise", {"refund": str(failed)} | WHY, "payment.paid-otherwise",
            ),
            "/drivers/{number}/points": (
                f"/drivers/{ann}/points", {"points": "5", "once": str(new_id())} | WHY, "driver.points",
            ),
            "/drivers/{number}/coupon": (f"/drivers/{ann}/coupon", {"coupon": str(coupon)} | WHY, "driver.coupon"),
            "/rewards/rules": ("/rewards/rules", {"points": "2"}, "rewards.rule"),
            "/rewards/rules/{number}/stop": (f"/rewards/rules/{rule}/stop", {}, "rewards.stop-rule"),
            "/rewards/coupons": ("/rewards/coupons", sun, "rewards.coupon"),
            "/rewards/coupons/{number}/codes": (f"/rewards/coupons/{coupon}/codes", {"count": "2"}, "rewards.codes"),
            "/rewards/coupons/{number}/stop": (f"/rewards/coupons/{coupon}/stop", {}, "rewards.stop-coupon"),
            "/alarms/mails": ("/alarms/mails", {"about": "all"}, "staff.alarm-mails"),
            "/alarms/{number}/acknowledge": (f"/alarms/{alarm}/acknowledge", {"note": "seen"}, "alarm.acknowledge"),
            "/alarms/{number}/retry": (f"/alarms/{alarm}/retry", {}, ""),
            "/staff": ("/staff", {"email": "new@example.com", "role": "viewer"}, "staff.invite"),
            "/staff/{number}/role": (f"/staff/{someone}/role", {"role": "support"}, "staff.role"),
            "/staff/{number}/disable": (f"/staff/{someone}/disable", {}, "staff.disable"),
            "/staff/{number}/enable": (f"/staff/{someone}/enable", {}, "staff.enable"),
            "/staff/{number}/reset": (f"/staff/{someone}/reset", {}, "staff.reset"),
            "/prices": ("/prices", price, "price.set"),
            "/prices/{number}/withdraw": (f"/prices/{coming}/withdraw", {}, "price.withdraw"),
            f"{station}/trigger": ("/stations/sakura-mall/trigger", {"message": "Heartbeat"}, "station."),
            f"{station}/reset": ("/stations/sakura-mall/reset", {"kind": "OnIdle"} | WHY, "station."),
            f"{station}/availability": ("/stations/sakura-mall/availability", {"status": "Operative"}, "station."),
            f"{station}/report": ("/stations/sakura-mall/report", {"base": "SummaryInventory"}, "station."),
            f"{station}/read": ("/stations/sakura-mall/read", {"variable": "ChargingStation.Model"}, "station."),
            f"{station}/write": (
                "/stations/sakura-mall/write",
                {"variable": "OCPPCommCtrlr.HeartbeatInterval", "value": "30"},
                "station.",
            ),
            f"{station}/trace": ("/stations/sakura-mall/trace", {"outlet": "1"}, "station.LinkTrace"),
            f"{station}/identify": ("/stations/sakura-mall/identify", {"outlet": "1"}, "station.Identify"),
            f"{station}/ocpp": (
                "/stations/sakura-mall/ocpp", {"action": "ClearCache", "payload": "{}"}, "station.ClearCache",
            ),
            "/staff/tokens": ("/staff/tokens", {"name": "depot planner", "days": "30"}, "staff.token"),
            "/staff/tokens/{number}/end": (f"/staff/tokens/{held}/end", {}, "staff.end-token"),
            "/partners": ("/partners", {"name": "A", "base_url": "https://a.example"}, "partner.create"),
            "/partners/{number}": (f"/partners/{partner}", other, "partner.change"),
            "/partners/{number}/sites": (f"/partners/{partner}/sites", {"site": "sakura-mall"}, "partner.sites"),
            "/partners/{number}/remove": (f"/partners/{partner}/remove", {}, "partner.remove"),
            "/partners/sites/{station_id}": (
                "/partners/sites/sakura-mall", {"common_name": "K3VQ5B2XJ6M7"}, "partner.site-name",
            ),
            "/regions": ("/regions", REGION | {"code": "GB", "name_en": "Great Britain"}, "region.create"),
            "/regions/{code}": ("/regions/GB", REGION | {"name_en": "Britain"}, "region.change"),
            "/feeds": ("/feeds", {"name": "B", "format": "occto"}, "source.create"),
            "/feeds/{number}": (f"/feeds/{source}", feed, "source.change"),
            "/feeds/{number}/fetch": (f"/feeds/{source}/fetch", {}, "source.fetch"),
            "/feeds/{number}/upload": (f"/feeds/{source}/upload", {}, "source.upload"),
            "/feeds/{number}/switch": (f"/feeds/{source}/switch", {"on": "false"}, "source.switch"),
            "/feeds/{number}/remove": (f"/feeds/{source}/remove", {}, "source.remove"),
            "/sites": ("/sites", NEW, "site.create"),
            "/pending/{number}/reject": (f"/pending/{first}/reject", {}, "pending.reject"),
            "/pending/{number}/take-back": (f"/pending/{first}/take-back", {}, "pending.take-back"),
            "/pending/{number}/accept": (f"/pending/{second}/accept", NEW, "pending.accept"),
            site: (own_site, NEW, "site.change"),
            f"{site}/hours": (f"{own_site}/hours", {"mode": "always"}, "site.hours"),
            f"{site}/password": (f"{own_site}/password", {}, "site.password"),
            f"{site}/plan": (f"{own_site}/plan", {}, "site.plan"),
            f"{site}/plan/remove": (f"{own_site}/plan/remove", {}, "site.plan"),
            f"{site}/offers": (f"{own_site}/offers", {"tariff": "demo"}, "site.offers"),
            "/suppliers": ("/suppliers", {"code": "B1", "name": "Kaze"}, "supplier.add"),
            "/suppliers/{code}": ("/suppliers/B1", {"name": "Kaze Power"}, "supplier.change"),
            "/suppliers/{code}/contracts": ("/suppliers/B1/contracts", {"supplier_share": "70"}, "contract.add"),
            "/suppliers/{code}/contracts/{number}/end": (
                f"/suppliers/A1/contracts/{contract}/end", {}, "contract.end",
            ),
            "/power-types": (
                "/power-types", {"word": "roof", "parent": "solar", "name_en": "R", "name_ja": "R"}, "power-type.add",
            ),
            "/power-types/{word}": ("/power-types/roof", {"name_en": "Ours", "name_ja": "屋根"}, "power-type.change"),
            "/power-types/{word}/remove": ("/power-types/roof/remove", {}, "power-type.remove"),
            outlet: (own_outlet, FIELDS, "outlet.change"),
            f"{outlet}/close": (f"{own_outlet}/close", {"note": "being painted"}, "outlet.close"),
            f"{outlet}/open": (f"{own_outlet}/open", {}, "outlet.open"),
        }  # fmt: skip
        there_are = {path for method, path in routes(office.bench.app) if method == "POST"}
        assert there_are == set(forms) | {path for _, path in UNLOGGED}
        for path, (address, data, action) in forms.items():
            before = len(await office.log())
            answer = await browser.post(f"/office{address}", data=data, files=files.get(path))
            written = (await office.log())[before:]
            if not action:  # nothing was done, so nothing is said to have been
                assert (answer.status_code, written) == (404, []), path
                continue
            # The file that is uploaded is none, and that is in the log as well.
            assert answer.status_code in ({422} if path.endswith("/upload") else {200, 303}), (path, answer.text)
            assert any(entry.action.startswith(action) and entry.member_id for entry in written), path
            if data.items() >= WHY.items():
                assert any(entry.details.get("reason") == WHY["reason"] for entry in written), path
            # An answer that shows a driver is a look at the driver.
            if "ann@example.com" in answer.text:
                assert any(entry.action == "driver.look" for entry in written), path


async def test_signing_in_and_out_and_taking_the_log_along_are_logged(office: Office) -> None:
    async with office.member(Role.ADMIN) as browser:
        await browser.get("/office/log.csv", params={"action": "driver."})
        await browser.post("/office/signout")
        await browser.post("/office/signout")

    assert {("POST", path) for _, path in UNLOGGED} <= OPEN
    assert [entry.action for entry in await office.log()] == ["log.export", "staff.sign-out"]
    assert (await office.log("log.export"))[0].details == {"action": "driver."}


async def test_the_log_shows_words_filters_and_gives_out_everything(office: Office) -> None:
    async with office.bench.driver(), office.member(Role.ADMIN) as browser:
        (ann,) = await _ids(office, Driver)
        (me,) = await _ids(office, StaffMember)
        for _ in range(3):
            await browser.post(f"/office/drivers/{ann}", data=WHY)
        page = office.bench.words(await browser.get("/office/log", params={"who": str(me), "action": "driver."}))
        none = office.bench.words(await browser.get("/office/log", params={"action": "staff."}))
        upwards = (await browser.get("/office/log", params={"down": "false"})).text
        file = await browser.get("/office/log.csv", params={"subject": str(ann)})

    assert page.count("looked at a driver driver.look") == 3
    assert "reason: asked for by phone" in page
    assert "Nothing is logged like that." in none
    assert len(re.findall(r"driver\.look", upwards)) >= 3
    assert file.text.splitlines()[0] == "\ufeffTime (UTC),Who,Action,What was done,About,Details"
    assert len(file.text.splitlines()) == 4


async def test_a_new_action_is_shown_by_its_own_name(office: Office) -> None:
    services = office.bench.services
    async with services.database.transaction() as session:
        session.add(
            AuditEntry(id=new_id(), at=services.clock.now(), action="site.move", subject="x", details={"metres": 3})
        )
    async with office.member(Role.ADMIN) as browser:
        page = office.bench.words(await browser.get("/office/log"))

    assert "site.move" in page
    assert "metres: 3" in page
