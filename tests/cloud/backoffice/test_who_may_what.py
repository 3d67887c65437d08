"""Every address of the back office: nobody, a driver and each role get what is theirs and no more."""

import re
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Mount

from konsento.models import Role
from konsento.staff.permissions import Permission, may

if TYPE_CHECKING:
    from tests.cloud.backoffice.conftest import Office

OPEN = {
    ("GET", "/signin"),
    ("POST", "/signin"),
    ("POST", "/signout"),
    ("GET", "/invitation/{token}"),
    ("POST", "/invitation/{token}"),
}
PRIVATE = {
    ("GET", "/"): Permission.LOOK,
    ("GET", "/live"): Permission.LOOK,
    ("GET", "/sessions"): Permission.LOOK,
    ("GET", "/sessions.csv"): Permission.LOOK,
    ("POST", "/sessions"): Permission.DRIVERS,
    ("GET", "/sessions/{number}"): Permission.LOOK,
    ("POST", "/sessions/{number}/stop"): Permission.SESSIONS,
    ("POST", "/sessions/{number}/check"): Permission.SESSIONS,
    ("POST", "/sessions/{number}/receipt"): Permission.SESSIONS,
    ("GET", "/invoices/{number}"): Permission.LOOK,
    ("GET", "/invoices/{number}/pdf"): Permission.LOOK,
    ("GET", "/bills"): Permission.BILLS,
    ("GET", "/bills/{number}"): Permission.BILLS,
    ("GET", "/bills/{number}/pdf"): Permission.BILLS,
    ("POST", "/bills/{number}/paid"): Permission.BILLS,
    ("POST", "/bills/{number}/returned"): Permission.BILLS,
    ("POST", "/bills/{number}/send"): Permission.BILLS,
    ("POST", "/bills/{number}/withdraw"): Permission.BILLS,
    ("POST", "/bills/payments/{number}/take-back"): Permission.BILLS,
    ("GET", "/statements"): Permission.STATEMENTS,
    ("GET", "/statements/{number}"): Permission.STATEMENTS,
    ("GET", "/statements/{number}/csv"): Permission.STATEMENTS,
    ("GET", "/statements/{number}/pdf"): Permission.STATEMENTS,
    ("POST", "/statements/{number}/payouts"): Permission.STATEMENTS,
    ("POST", "/statements/payouts/{number}/take-back"): Permission.STATEMENTS,
    ("POST", "/sessions/{number}/correct"): Permission.CREDIT,
    ("GET", "/drivers"): Permission.DRIVERS,
    ("POST", "/drivers"): Permission.DRIVERS,
    ("GET", "/drivers/{number}"): Permission.DRIVERS,
    ("POST", "/drivers/{number}"): Permission.DRIVERS,
    ("POST", "/drivers/{number}/sign-out"): Permission.DRIVERS,
    ("POST", "/drivers/{number}/credit"): Permission.CREDIT,
    ("POST", "/drivers/{number}/points"): Permission.CREDIT,
    ("POST", "/drivers/{number}/coupon"): Permission.CREDIT,
    ("GET", "/frames/{number}"): Permission.LOOK,
    ("GET", "/alarms"): Permission.LOOK,
    ("GET", "/alarms.csv"): Permission.LOOK,
    ("POST", "/alarms/mails"): Permission.LOOK,
    ("POST", "/alarms/{number}/acknowledge"): Permission.ALARMS,
    ("POST", "/alarms/{number}/retry"): Permission.ALARMS,
    ("GET", "/messages"): Permission.LOOK,
    ("GET", "/messages.csv"): Permission.LOOK,
    ("GET", "/messages.jsonl"): Permission.LOOK,
    ("GET", "/stations/{station_id}"): Permission.LOOK,
    ("GET", "/stations/{station_id}/live"): Permission.LOOK,
    ("GET", "/stations/{station_id}/messages/live"): Permission.LOOK,
    ("GET", "/stations/{station_id}/labels"): Permission.SITES,
    ("GET", "/stations/{station_id}/labels.pdf"): Permission.SITES,
    ("GET", "/stations/{station_id}/labels.svg"): Permission.SITES,
    ("POST", "/stations/{station_id}/trigger"): Permission.REMOTE,
    ("POST", "/stations/{station_id}/reset"): Permission.REMOTE,
    ("POST", "/stations/{station_id}/availability"): Permission.REMOTE,
    ("POST", "/stations/{station_id}/report"): Permission.REMOTE,
    ("POST", "/stations/{station_id}/read"): Permission.REMOTE,
    ("POST", "/stations/{station_id}/write"): Permission.REMOTE,
    ("POST", "/stations/{station_id}/trace"): Permission.REMOTE,
    ("POST", "/stations/{station_id}/identify"): Permission.REMOTE,
    ("GET", "/stations/{station_id}/ocpp"): Permission.REMOTE,
    ("POST", "/stations/{station_id}/ocpp"): Permission.REMOTE,
    ("GET", "/sites"): Permission.LOOK,
    ("GET", "/sites/live"): Permission.LOOK,
    ("GET", "/sites/new"): Permission.SITES,
    ("POST", "/sites"): Permission.SITES,
    ("GET", "/pending"): Permission.LOOK,
    ("GET", "/pending/live"): Permission.LOOK,
    ("GET", "/pending/{number}"): Permission.SITES,
    ("POST", "/pending/{number}/accept"): Permission.SITES,
    ("POST", "/pending/{number}/reject"): Permission.SITES,
    ("POST", "/pending/{number}/take-back"): Permission.SITES,
    ("GET", "/sites/{station_id}"): Permission.LOOK,
    ("GET", "/sites/{station_id}/live"): Permission.LOOK,
    ("POST", "/sites/{station_id}"): Permission.SITES,
    ("POST", "/sites/{station_id}/offers"): Permission.SITES,
    ("GET", "/suppliers"): Permission.SITES,
    ("POST", "/suppliers"): Permission.SITES,
    ("GET", "/suppliers/{code}"): Permission.SITES,
    ("POST", "/suppliers/{code}"): Permission.SITES,
    ("POST", "/suppliers/{code}/contracts"): Permission.SITES,
    ("POST", "/suppliers/{code}/contracts/{number}/end"): Permission.SITES,
    ("GET", "/power-types"): Permission.SITES,
    ("POST", "/power-types"): Permission.SITES,
    ("POST", "/power-types/{word}"): Permission.SITES,
    ("POST", "/power-types/{word}/remove"): Permission.SITES,
    ("POST", "/sites/{station_id}/hours"): Permission.SITES,
    ("POST", "/sites/{station_id}/plan"): Permission.SITES,
    ("POST", "/sites/{station_id}/plan/remove"): Permission.SITES,
    ("GET", "/sites/{station_id}/plan"): Permission.LOOK,
    ("POST", "/sites/{station_id}/password"): Permission.SITES,
    ("GET", "/sites/{station_id}/outlets/{evse_id}"): Permission.LOOK,
    ("POST", "/sites/{station_id}/outlets/{evse_id}"): Permission.SITES,
    ("POST", "/sites/{station_id}/outlets/{evse_id}/close"): Permission.SITES,
    ("POST", "/sites/{station_id}/outlets/{evse_id}/open"): Permission.SITES,
    ("GET", "/prices"): Permission.SITES,
    ("GET", "/prices/new"): Permission.SITES,
    ("POST", "/prices"): Permission.SITES,
    ("POST", "/prices/{number}/withdraw"): Permission.SITES,
    ("GET", "/rewards"): Permission.REWARDS,
    ("GET", "/rewards/rules/new"): Permission.REWARDS,
    ("POST", "/rewards/rules"): Permission.REWARDS,
    ("POST", "/rewards/rules/{number}/stop"): Permission.REWARDS,
    ("GET", "/rewards/coupons/new"): Permission.REWARDS,
    ("POST", "/rewards/coupons"): Permission.REWARDS,
    ("GET", "/rewards/coupons/{number}"): Permission.REWARDS,
    ("POST", "/rewards/coupons/{number}/codes"): Permission.REWARDS,
    ("GET", "/rewards/coupons/{number}/codes.csv"): Permission.REWARDS,
    ("POST", "/rewards/coupons/{number}/stop"): Permission.REWARDS,
    ("GET", "/advice"): Permission.LOOK,
    ("GET", "/advice.csv"): Permission.LOOK,
    ("GET", "/partners"): Permission.PARTNERS,
    ("POST", "/partners"): Permission.PARTNERS,
    ("GET", "/partners/{number}"): Permission.PARTNERS,
    ("POST", "/partners/{number}"): Permission.PARTNERS,
    ("POST", "/partners/{number}/sites"): Permission.PARTNERS,
    ("POST", "/partners/{number}/remove"): Permission.PARTNERS,
    ("POST", "/partners/sites/{station_id}"): Permission.PARTNERS,
    ("GET", "/regions"): Permission.LOOK,
    ("GET", "/regions/new"): Permission.GRID,
    ("POST", "/regions"): Permission.GRID,
    ("GET", "/regions/{code}"): Permission.LOOK,
    ("POST", "/regions/{code}"): Permission.GRID,
    ("GET", "/regions/{code}/decisions"): Permission.LOOK,
    ("GET", "/regions/{code}/decisions/{number}"): Permission.LOOK,
    ("GET", "/feeds"): Permission.LOOK,
    ("GET", "/feeds/new"): Permission.GRID,
    ("POST", "/feeds"): Permission.GRID,
    ("GET", "/feeds/{number}"): Permission.LOOK,
    ("GET", "/feeds/{number}/good"): Permission.LOOK,
    ("GET", "/feeds/{number}/bad"): Permission.LOOK,
    ("POST", "/feeds/{number}"): Permission.GRID,
    ("POST", "/feeds/{number}/fetch"): Permission.GRID,
    ("POST", "/feeds/{number}/switch"): Permission.GRID,
    ("POST", "/feeds/{number}/upload"): Permission.GRID,
    ("POST", "/feeds/{number}/remove"): Permission.GRID,
    ("GET", "/payments"): Permission.LOOK,
    ("GET", "/payments/{number}"): Permission.LOOK,
    ("POST", "/payments/{number}/look"): Permission.SESSIONS,
    ("POST", "/payments/{number}/refund"): Permission.CREDIT,
    ("POST", "/payments/{number}/paid-otherwise"): Permission.CREDIT,
    ("GET", "/log"): Permission.LOG,
    ("GET", "/log.csv"): Permission.LOG,
    ("GET", "/health"): Permission.LOOK,
    ("GET", "/staff"): Permission.STAFF,
    ("POST", "/staff"): Permission.STAFF,
    ("POST", "/staff/{number}/role"): Permission.STAFF,
    ("POST", "/staff/{number}/disable"): Permission.STAFF,
    ("POST", "/staff/{number}/enable"): Permission.STAFF,
    ("POST", "/staff/{number}/reset"): Permission.STAFF,
    ("GET", "/staff/tokens"): Permission.STAFF,
    ("POST", "/staff/tokens"): Permission.STAFF,
    ("POST", "/staff/tokens/{number}/end"): Permission.STAFF,
}
"""Who may call it: the permission, which `staff.permissions` gives to roles."""
NOBODYS = "01890a5d-ac96-774b-bcce-b302099a8057"
FIELDS = {
    "reason": "a test of rights",
    "text": "nobody at all",
    "message": "Heartbeat",
    "kind": "OnIdle",
    "status": "Operative",
    "base": "SummaryInventory",
    "role": "viewer",
    "once": NOBODYS,
    "about": "none",
    "of": "nowhere",
    "unit_price": "1",
    "tax": "10",
    "refund": NOBODYS,
}


def address(path: str) -> str:
    return "/office" + path.format(
        number=NOBODYS, station_id="nowhere", evse_id=1, token="none", code="NONE", word="none"
    )


def routes(app: FastAPI) -> set[tuple[str, str]]:
    office = next(route.app for route in app.routes if isinstance(route, Mount) and route.path == "/office")
    assert isinstance(office, FastAPI)
    found: set[tuple[str, str]] = set()
    for route in office.routes:
        for part in getattr(getattr(route, "original_router", None), "routes", [route]):
            if isinstance(part, APIRoute):
                found |= {(method, part.path) for method in part.methods}
    return found


async def test_every_address_is_known_with_its_permission(office: Office) -> None:
    assert routes(office.bench.app) == OPEN | set(PRIVATE)


async def test_nobody_is_led_to_the_sign_in(office: Office) -> None:
    async with office.bench.browser() as browser:
        for method, path in PRIVATE:
            answer = await browser.request(method, address(path), data=FIELDS if method == "POST" else None)
            if path.endswith((".csv", ".jsonl", "/live")):
                assert answer.status_code == 401, path
            else:
                assert answer.status_code == 303, path
                assert answer.headers["location"].startswith("/office/signin?next=/office/")


async def test_a_driver_is_nobody_here(office: Office) -> None:
    async with office.bench.driver() as browser:
        browser.cookies.set("konsento_staff", browser.cookies["konsento_driver"], path="/office")
        for method, path in PRIVATE:
            answer = await browser.request(method, address(path), data=FIELDS if method == "POST" else None)
            assert answer.status_code in {303, 401}, path
            assert answer.status_code == 401 or answer.headers["location"].startswith("/office/signin")

    assert office.bench.site.asked == []


async def test_a_member_is_nobody_on_the_drivers_pages(office: Office) -> None:
    _, token = await office.enrolled(Role.ADMIN)
    async with office.bench.browser(Cookie=f"konsento_staff={token}; konsento_driver={token}") as browser:
        answer = await browser.get("/history")

    assert answer.status_code == 303


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_gets_what_its_permissions_say(office: Office, role: Role) -> None:
    async with office.member(role) as browser:
        for (method, path), permission in PRIVATE.items():
            answer = await browser.request(method, address(path), data=FIELDS if method == "POST" else None)
            # What is allowed may still not exist, or not be possible; what is forbidden is always 403.
            assert (answer.status_code != 403) == may(role, permission), (method, path, answer.status_code)
            assert answer.status_code < 500, (method, path)

    assert office.bench.site.asked == []


@pytest.mark.parametrize("role", list(Role))
async def test_the_navigation_shows_what_a_role_may_open(office: Office, role: Role) -> None:
    async with office.member(role) as browser:
        words = (await browser.get("/office/")).text

    assert ('href="/office/staff"' in words) == (role is Role.ADMIN)
    assert ('href="/office/drivers"' in words) == (role is not Role.VIEWER)


async def test_a_page_of_another_site_cannot_send_the_forms(office: Office) -> None:
    async with office.member(Role.ADMIN) as browser:
        answer = await browser.post(
            "/office/staff", data={"email": "x@example.com"}, headers={"Origin": "http://evil.test"}
        )

    assert answer.status_code == 403
    assert [entry.action for entry in await office.log("staff.invite")] == []


async def test_pages_carry_the_headers_and_stay_out_of_caches(office: Office) -> None:
    async with office.member(Role.VIEWER) as browser:
        answer = await browser.get("/office/")

    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert "style=" not in answer.text


async def test_a_new_address_without_a_permission_is_noticed(office: Office) -> None:
    mount = next(r for r in office.bench.app.routes if isinstance(r, Mount) and r.path == "/office")
    assert isinstance(mount.app, FastAPI)
    mount.app.add_api_route("/forgotten", lambda: None)

    assert routes(office.bench.app) - (OPEN | set(PRIVATE)) == {("GET", "/forgotten")}


async def test_no_page_can_be_framed_or_run_foreign_scripts(office: Office) -> None:
    async with office.member(Role.ADMIN) as browser:
        for method, path in PRIVATE:
            if method == "GET":
                answer = await browser.get(address(path))
                assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], path
                assert "script-src 'self'" in answer.headers["content-security-policy"], path
                assert answer.headers["x-frame-options"] == "DENY", path
                assert answer.headers["cache-control"] == "no-store", path
                assert not re.search(r"<script(?![^>]* src=)|\son\w+=|style=", answer.text), path
