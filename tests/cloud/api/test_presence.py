"""A program has its driver show that they stand before the outlet."""

from typing import TYPE_CHECKING

from konsento.models import PresenceCheck

from .conftest import CODE, NOBODYS, WISH, start

if TYPE_CHECKING:
    from .conftest import Api


async def test_an_outlet_says_whether_presence_is_asked_for(api: Api) -> None:
    async with api.ann() as program:
        before = (await program.get(f"/outlets/{CODE}")).json()["presence"]
        await api.bench.sites_ask_for(PresenceCheck.BUTTON)
        after = (await program.get(f"/outlets/{CODE}")).json()["presence"]

    assert (before, after) == ("none", "button")


async def test_a_start_without_it_is_refused_and_holds_nothing(api: Api) -> None:
    await api.bench.sites_ask_for(PresenceCheck.BUTTON)
    async with api.ann() as program:
        refused = await program.post("/sessions", json=WISH, headers={"Idempotency-Key": "1"})
        sessions = (await program.get("/sessions")).json()["items"]
        balance = (await program.get("/balance")).json()

    assert (refused.status_code, refused.json()["code"]) == (409, "PresenceNeeded")
    assert sessions == []
    assert balance["available"]["amount_minor"] == 3000
    assert api.bench.site.asked == []


async def test_with_the_button_pressed_it_starts_once(api: Api) -> None:
    await api.bench.sites_ask_for(PresenceCheck.BUTTON)
    async with api.ann(**{"Accept-Language": "ja"}) as program:
        check = (await program.post("/presence-checks", json={"outlet": "k7f-29q"})).json()
        await api.bench.press()
        shown = (await program.get(f"/presence-checks/{check['id']}")).json()
        session = await start(program)
        used = (await program.get(f"/presence-checks/{check['id']}")).json()

    assert (check["outlet"], check["method"], check["state"]) == (CODE, "button", "waiting")
    assert "ボタン" in check["tell"]
    assert (shown["state"], used["state"], session["state"]) == ("shown", "used", "charging")


async def test_the_driver_is_asked_about_the_lamp(api: Api) -> None:
    await api.bench.sites_ask_for(PresenceCheck.LAMP)
    async with api.ann() as program:
        check = (await program.post("/presence-checks", json={"outlet": CODE})).json()
        answer = await program.post(f"/presence-checks/{check['id']}/answer", json={"is_here": True})
        session = await start(program)

    assert check["method"] == "lamp"
    assert answer.json()["state"] == "shown"
    assert session["state"] == "charging"


async def test_after_a_no_there_is_nothing_to_answer(api: Api) -> None:
    await api.bench.sites_ask_for(PresenceCheck.LAMP)
    async with api.ann() as program:
        check = (await program.post("/presence-checks", json={"outlet": CODE})).json()
        denied = await program.post(f"/presence-checks/{check['id']}/answer", json={"is_here": False})
        late = await program.post(f"/presence-checks/{check['id']}/answer", json={"is_here": True})
        refused = await program.post("/sessions", json=WISH, headers={"Idempotency-Key": "1"})

    assert denied.json()["state"] == "denied"
    assert (late.status_code, late.json()["code"]) == (409, "PresenceOver")
    assert refused.json()["code"] == "PresenceNeeded"


async def test_somebody_elses_check_does_not_exist_and_keeps_the_outlet(api: Api) -> None:
    await api.bench.sites_ask_for(PresenceCheck.LAMP)
    async with api.ann() as ann, api.program(await api.token("bob@example.com")) as bob:
        check = (await ann.post("/presence-checks", json={"outlet": CODE})).json()
        answers = [
            await bob.request(method, f"/presence-checks/{number}{part}", json=body)
            for number in (check["id"], NOBODYS)
            for method, part, body in (("GET", "", None), ("POST", "/answer", {"is_here": True}))
        ]
        taken = await bob.post("/presence-checks", json={"outlet": CODE})

    assert {(one.status_code, one.json()["code"]) for one in answers} == {(404, "UnknownPresenceCheck")}
    assert (taken.status_code, taken.json()["code"]) == (409, "PresenceTaken")
