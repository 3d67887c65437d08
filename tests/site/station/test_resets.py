"""What a reset of a site does, and what it never does."""

from station.conftest import Linked


async def test_a_reset_without_sessions_makes_the_link_anew_and_says_why(linked: Linked) -> None:
    await linked.online()

    assert (await linked.csms.ask("Reset", {"type": "OnIdle"}))[2] == {"status": "Accepted"}
    await linked.csms.until(lambda: linked.csms.connections == 2)
    await linked.csms.until(lambda: [a for a, _ in linked.csms.heard].count("BootNotification") == 2)
    boots = [payload["reason"] for action, payload in linked.csms.heard if action == "BootNotification"]
    assert boots == ["PowerUp", "RemoteReset"]


async def test_a_reset_on_idle_waits_for_the_session(linked: Linked) -> None:
    await linked.online()
    transaction = await linked.started()

    assert (await linked.csms.ask("Reset", {"type": "OnIdle"}))[2] == {"status": "Scheduled"}
    await linked.csms.ask("TriggerMessage", {"requestedMessage": "Heartbeat"})
    await linked.csms.until(lambda: linked.csms.heard[-1][0] == "Heartbeat")
    assert linked.outlet.relay
    assert linked.csms.connections == 1
    await linked.csms.ask("RequestStopTransaction", {"transactionId": transaction})
    await linked.csms.until(lambda: linked.csms.connections == 2)
    assert linked.csms.last() == "Ended"


async def test_an_immediate_reset_ends_the_session_and_tells_so(linked: Linked) -> None:
    await linked.online()
    await linked.started()

    assert (await linked.csms.ask("Reset", {"type": "Immediate"}))[2] == {"status": "Accepted"}
    await linked.csms.until(lambda: linked.csms.last() == "Ended")
    assert not linked.outlet.relay
    last = linked.csms.events()[-1]
    assert (last["transactionInfo"]["stoppedReason"], last["triggerReason"]) == ("ImmediateReset", "ResetCommand")
    await linked.csms.until(lambda: linked.csms.connections == 2)


async def test_the_reset_of_one_outlet_leaves_the_link_alone(linked: Linked) -> None:
    await linked.online()
    await linked.started()

    assert (await linked.csms.ask("Reset", {"type": "Immediate", "evseId": 1}))[2] == {"status": "Accepted"}
    await linked.csms.until(lambda: linked.csms.last() == "Ended")
    assert linked.csms.connections == 1
    assert (await linked.csms.ask("Reset", {"type": "Immediate", "evseId": 9}))[2]["status"] == "Rejected"
