"""Words of the database and the wire as the staff reads them. Marked for translation; `Language.text` translates."""

from typing import Final

from konsento.kit.i18n import marked
from konsento.models import AlarmKind, OutletStatus, PaymentState, Role, SessionState, Severity

ROLES: Final = {
    Role.VIEWER: marked("Viewer: looks"),
    Role.SUPPORT: marked("Support: helps drivers"),
    Role.OPERATOR: marked("Operator: runs sites"),
    Role.ADMIN: marked("Administrator"),
}
STATES: Final = {
    SessionState.STARTING: marked("starting"),
    SessionState.CHARGING: marked("charging"),
    SessionState.SUSPENDED: marked("suspended"),
    SessionState.ENDED: marked("ended, not billed yet"),
    SessionState.SETTLED: marked("billed"),
    SessionState.FAILED: marked("failed"),
}
STATE_TONES: Final = {
    SessionState.STARTING: "wait",
    SessionState.CHARGING: "",
    SessionState.SUSPENDED: "wait",
    SessionState.ENDED: "wait",
    SessionState.SETTLED: "off",
    SessionState.FAILED: "bad",
}
OUTLETS: Final = {
    OutletStatus.UNKNOWN: marked("unknown"),
    OutletStatus.AVAILABLE: marked("free"),
    OutletStatus.OCCUPIED: marked("in use"),
    OutletStatus.RESERVED: marked("reserved"),
    OutletStatus.UNAVAILABLE: marked("unavailable"),
    OutletStatus.FAULTED: marked("faulted"),
}
OUTLET_TONES: Final = {
    OutletStatus.UNKNOWN: "off",
    OutletStatus.AVAILABLE: "",
    OutletStatus.OCCUPIED: "wait",
    OutletStatus.RESERVED: "wait",
    OutletStatus.UNAVAILABLE: "off",
    OutletStatus.FAULTED: "bad",
}
PAYMENTS: Final = {
    PaymentState.HELD: marked("held"),
    PaymentState.CAPTURED: marked("taken"),
    PaymentState.RELEASED: marked("given back"),
}
PROVIDERS: Final = {"balance": marked("prepaid balance"), "fake": marked("test card")}
TRANSFERS: Final = {
    "hold": marked("Held"),
    "capture": marked("Taken"),
    "release": marked("Given back"),
    "tax": marked("Tax set aside"),
    "top-up": marked("Topped up"),
    "welcome": marked("Welcome credit"),
    "goodwill": marked("Goodwill credit"),
}
"""What a transfer of the ledger was for."""
ALARMS: Final = {
    AlarmKind.SITE_OFFLINE: marked("Site offline"),
    AlarmKind.OUTLET_FAULTED: marked("Outlet faulted"),
    AlarmKind.WORK_GIVEN_UP: marked("Work given up"),
    AlarmKind.SESSION_SILENT: marked("Session silent"),
    AlarmKind.SESSION_UNSETTLED: marked("Session not billed"),
    AlarmKind.UNKNOWN_TRANSACTION: marked("Transaction without a session"),
    AlarmKind.METER_DOUBTFUL: marked("Meter doubtful"),
    AlarmKind.JOURNAL_DROPPED: marked("Journal incomplete"),
    AlarmKind.PRESENCE_UNCHECKED: marked("Presence cannot be checked"),
    AlarmKind.LABEL_DOUBTFUL: marked("Label may be a copy"),
}
ADVICE: Final = {
    AlarmKind.SITE_OFFLINE: marked(
        "The site has had no connection for more than five minutes. Running sessions keep to their limits."
        " Check its network and its power."
    ),
    AlarmKind.OUTLET_FAULTED: marked("The outlet reports a fault and takes no session. Have somebody look at it."),
    AlarmKind.WORK_GIVEN_UP: marked(
        "The server has tried for hours and stopped. Find the cause in its log, then have it tried again."
    ),
    AlarmKind.SESSION_SILENT: marked(
        "The site is connected but says nothing about this session. Ask it: check with the site on the session's page."
    ),
    AlarmKind.SESSION_UNSETTLED: marked(
        "The session ended and has no bill yet; the driver's hold is still there. Look at its timeline."
    ),
    AlarmKind.UNKNOWN_TRANSACTION: marked(
        "The site supplies, or has supplied, without a session of this server. Nobody is billed for it."
    ),
    AlarmKind.METER_DOUBTFUL: marked(
        "Some readings of this session make no sense and were not billed. Compare them with the outlet's meter."
    ),
    AlarmKind.JOURNAL_DROPPED: marked(
        "The database was too slow for the journal of messages. Timelines have gaps; meter events were not affected."
    ),
    AlarmKind.PRESENCE_UNCHECKED: marked(
        "This outlet can neither blink nor tell that its button was pressed, so drivers are asked to compare its label"
        " instead. Turn the site's presence check off, or give the outlet the Konsento firmware."
    ),
    AlarmKind.LABEL_DOUBTFUL: marked(
        "A driver came by this outlet's code and says that it is not the outlet in front of them. Nothing was started."
        " Have somebody look whether its label was copied onto another outlet."
    ),
}
SEVERITIES: Final = {Severity.CRITICAL: marked("critical"), Severity.WARNING: marked("warning")}
FACTS: Final = {
    "site": marked("site"),
    "outlet": marked("outlet"),
    "reason": marked("reason"),
    "events": marked("events"),
    "error": marked("error"),
    "attempts": marked("attempts"),
    "readings": marked("readings"),
    "frames": marked("messages"),
}
"""The names of an alarm's details."""
