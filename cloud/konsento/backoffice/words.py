"""Words of the database and the wire as the staff reads them. Marked for translation; `Language.text` translates."""

from collections.abc import Mapping
from typing import Final

from konsento.kit.i18n import Language, marked
from konsento.models import (
    AlarmKind,
    AlarmMails,
    CallOutcome,
    ChargingSession,
    Dispute,
    Metering,
    OutletStatus,
    PaymentPurpose,
    PaymentState,
    PresenceCheck,
    RefundKind,
    RefundState,
    Role,
    SecurityProfile,
    SessionState,
    Severity,
)
from konsento.web import words as drivers

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
OUTLET_REASONS: Final = {
    "gone": marked("gone: the site does not list it any more"),
    "offline": marked("the site cannot reach it"),
    "disabled": marked("switched off at the site"),
    "plugged": marked("plugged in, nobody charges"),
}
PRESENCE: Final = {
    PresenceCheck.NONE: marked("none"),
    PresenceCheck.BUTTON: marked("drivers press the outlet's button"),
    PresenceCheck.LAMP: marked("drivers see the outlet's lamp blink"),
}
METERING: Final = {
    Metering.VERIFIED: marked("verified meter"),
    Metering.NOTIFIED: marked("notified meter (specified metering)"),
    Metering.ESTIMATED: marked("estimated"),
}
PROFILES: Final = {
    SecurityProfile.NONE: marked("0: none. Insecure, whoever knows the station id comes in"),
    SecurityProfile.BASIC: marked("1: password, encrypted or not"),
    SecurityProfile.TLS_BASIC: marked("2: password over TLS"),
    SecurityProfile.TLS_CERTIFICATE: marked("3: its own certificate over TLS, no password"),
}
DAYS: Final = {
    "Mo": marked("Monday"),
    "Tu": marked("Tuesday"),
    "We": marked("Wednesday"),
    "Th": marked("Thursday"),
    "Fr": marked("Friday"),
    "Sa": marked("Saturday"),
    "Su": marked("Sunday"),
    "PH": marked("Public holidays"),
}
END_REASONS: Final = drivers.END_REASONS | {
    # The driver reads "you stopped it"; the staff reads who.
    "Remote": marked("stopped by its driver or the staff"),
}


def ended(language: Language, charging: ChargingSession) -> str:
    """Return why a session ended, or why it failed; empty before."""
    if not charging.end_reason:
        return charging.failure
    return language.text(END_REASONS.get(charging.end_reason, drivers.OTHER_REASON))


PAYMENTS: Final = {
    PaymentState.PENDING: marked("waits for the driver"),
    PaymentState.HELD: marked("held"),
    PaymentState.CAPTURING: marked("being taken"),
    PaymentState.CAPTURED: marked("taken"),
    PaymentState.RELEASING: marked("being given back"),
    PaymentState.RELEASED: marked("given back"),
    PaymentState.FAILED: marked("failed, nothing taken"),
    PaymentState.EXPIRED: marked("lapsed, nothing taken"),
    PaymentState.REFUNDED: marked("taken and refunded"),
}
PURPOSES: Final = {
    PaymentPurpose.SESSION: marked("for a charging"),
    PaymentPurpose.TOP_UP: marked("top-up of the balance"),
    PaymentPurpose.BILL: marked("for an amount that was due"),
}
REFUNDS: Final = {
    RefundState.ASKED: marked("being given back"),
    RefundState.DONE: marked("given back"),
    RefundState.FAILED: marked("failed"),
}
REFUND_KINDS: Final = {
    RefundKind.REMAINDER: marked("what was not used"),
    RefundKind.REFUND: marked("refund"),
}
DISPUTES: Final = {Dispute.OPEN: marked("open"), Dispute.WON: marked("won"), Dispute.LOST: marked("lost")}
STEPS: Final = {
    "begin": marked("Begin"),
    "capture": marked("Take"),
    "cancel": marked("Give up the hold"),
    "refund": marked("Pay back"),
}
"""What a payment provider is asked for."""
OUTCOMES: Final = {
    CallOutcome.DONE: marked("done"),
    CallOutcome.REFUSED: marked("refused"),
    CallOutcome.STUMBLED: marked("error at the provider"),
    CallOutcome.UNKNOWN: marked("no answer"),
}
PROVIDERS: Final = {"balance": marked("prepaid balance"), "fake": marked("test card"), "stripe": "Stripe"}
TRANSFERS: Final = {
    "bill": marked("Billed"),
    "hold": marked("Held"),
    "capture": marked("Taken"),
    "release": marked("Given back"),
    "tax": marked("Tax set aside"),
    "supplier-share": marked("The supplier's share"),
    "owner-share": marked("The site owner's share"),
    "bill-back": marked("Bill put right"),
    "tax-back": marked("Tax put right"),
    "supplier-share-back": marked("The supplier's share put right"),
    "owner-share-back": marked("The site owner's share put right"),
    "top-up": marked("Topped up"),
    "advance": marked("Paid before charging"),
    "waived": marked("Not asked for"),
    "fee": marked("Fee of the payment provider"),
    "refund-failed": marked("Refund came back"),
    "dispute": marked("Disputed"),
    "dispute-won": marked("Dispute won"),
    "dispute-lost": marked("Dispute lost"),
    "provider-payout": marked("Paid out by the payment provider"),
    "welcome": marked("Welcome credit"),
    "goodwill": marked("Goodwill credit"),
    "points-hold": marked("Points reserved"),
    "points-free": marked("Points free again"),
    "points-spent": marked("Points taken"),
    "points-earned": marked("Points earned"),
    "expired": marked("Time ran out"),
    "points-returned": marked("Points back with a refund"),
    "points-taken-back": marked("Points taken back with a refund"),
    "payout": marked("Paid out"),
    "payout-back": marked("Payout taken back"),
    "bill-paid": marked("Bill paid"),
    "bill-returned": marked("Paid too much, given back"),
    "bill-noted-back": marked("Note about a bill taken back"),
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
    AlarmKind.LATE_READINGS: marked("Readings after the bill"),
    AlarmKind.BOOKS_WRONG: marked("The books do not agree"),
    AlarmKind.JOURNAL_DROPPED: marked("Journal incomplete"),
    AlarmKind.PRESENCE_UNCHECKED: marked("Presence cannot be checked"),
    AlarmKind.LABEL_DOUBTFUL: marked("Label may be a copy"),
    AlarmKind.CLOCK_WRONG: marked("Clock of a site wrong"),
    AlarmKind.PROCESS_GONE: marked("Process gone"),
    AlarmKind.DISK_FULL: marked("Disk nearly full"),
    AlarmKind.MAILS_REFUSED: marked("Mails not taken"),
    AlarmKind.SIGN_INS_FAIL: marked("Sign-ins fail again and again"),
    AlarmKind.PAYMENT_DIFFERS: marked("Payment differs from its provider's"),
    AlarmKind.PAYMENT_UNKNOWN: marked("Provider has a payment that is unknown here"),
    AlarmKind.PAYMENT_DISPUTED: marked("Payment disputed"),
    AlarmKind.REFUND_FAILED: marked("Refund failed"),
    AlarmKind.SOURCE_STALE: marked("Data of the grid too old"),
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
    AlarmKind.LATE_READINGS: marked(
        "Readings that came after the bill prove more than was billed. The driver is not asked for it: the bill stands."
        " Find out why the site delivered them so late."
    ),
    AlarmKind.BOOKS_WRONG: marked(
        "The nightly check of the ledger found something that must not be. Run `konsento ledger check` on the server:"
        " it lists everything. Change nothing in the database by hand."
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
    AlarmKind.CLOCK_WRONG: marked(
        "The site's clock and this server's are more than two minutes apart, or its messages are that late. Bills do"
        " not depend on it, times on receipts do. Check that its clock is set from the network."
    ),
    AlarmKind.PROCESS_GONE: marked(
        "A process of this server ended without saying so. Its sites connect anew and its work is taken over, if"
        " another one runs. Look at the page of health, and at the log of the machine."
    ),
    AlarmKind.DISK_FULL: marked(
        "The disk of the database is nearly full. When it is full no session can start and no reading is kept. Make"
        " room, or keep the journal for fewer days."
    ),
    AlarmKind.MAILS_REFUSED: marked(
        "The mail server takes no mails: receipts and links do not reach drivers, nor these alarms you. They are kept"
        " and tried again. Check KONSENTO_SMTP_URL."
    ),
    AlarmKind.SIGN_INS_FAIL: marked(
        "Somebody tries again and again to sign in to the back office from this address and is slowed down. If it is no"
        " colleague, block the address."
    ),
    AlarmKind.PAYMENT_DIFFERS: marked(
        "The payment provider says something else about this payment than was asked of it. The server goes by the"
        " provider and has booked what it says; find out who did it there."
    ),
    AlarmKind.PAYMENT_UNKNOWN: marked(
        "Money was held or taken at the payment provider for a payment that this server does not know. Look for it at"
        " the provider and give it back there if it is nobody's."
    ),
    AlarmKind.PAYMENT_DISPUTED: marked(
        "The driver's bank contests this payment. Answer in the provider's own pages before the time that it names"
        " there; the session's page has what was measured."
    ),
    AlarmKind.REFUND_FAILED: marked(
        "The driver's bank did not take this refund, so the driver does not have the money. Pay it in another way."
    ),
    AlarmKind.SOURCE_STALE: marked(
        "This data source has brought nothing new that can be read for too long. Windows are decided by what other"
        " sources say, or not at all. Its page says why; it may have moved to another address."
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
    "read_wh": marked("Wh by all readings"),
    "findings": marked("findings"),
    "first": marked("the first"),
    "frames": marked("messages"),
    "seconds": marked("seconds apart"),
    "mails": marked("mails"),
    "free": marked("free"),
    "percent": marked("percent"),
    "stations": marked("stations"),
    "searched": marked("searched"),
    "found": marked("found"),
    "note": marked("note"),
    "role": marked("role"),
    "answer": marked("answer"),
    "to": marked("to what"),
    "state": marked("state"),
    "ended": marked("ended"),
    "currency": marked("currency"),
    "minor": marked("minor units"),
    "transfer": marked("transfer"),
    "alarm": marked("alarm"),
    "for": marked("for"),
    "about": marked("about"),
    "unit_price": marked("price per kWh"),
    "rates": marked("rates"),
    "minimum": marked("at least"),
    "maximum": marked("at most"),
    "tax_included": marked("tax included"),
    "tax_rate": marked("share of tax"),
    "power_type": marked("power"),
    "supplier": marked("supplier"),
    "supplier_code": marked("supplier's registration number"),
    "carbon_g_per_kwh": marked("g CO₂ per kWh"),
    "begins": marked("begins"),
    "ends": marked("ends"),
    "supplier_share": marked("supplier's share"),
    "owner_share": marked("site owner's share"),
    "tariffs": marked("prices"),
    "parent": marked("part of"),
    "request": marked("request"),
    "token": marked("token"),
    "month": marked("month"),
    "what": marked("what"),
    "milliseconds": marked("milliseconds"),
    "points": marked("points"),
    "coupon": marked("coupon"),
    "codes": marked("codes"),
    "batch": marked("batch"),
    "code": marked("code"),
    "title": marked("title"),
    "kind": marked("kind"),
    "value": marked("value"),
    "points_per_kwh": marked("points per kWh"),
    "tariff_name": marked("price"),
    "from_minute": marked("from minute"),
    "to_minute": marked("to minute"),
    "in_windows": marked("in recommended windows"),
    "valid_from": marked("begins"),
    "valid_to": marked("ends"),
    "most_uses": marked("uses at most"),
    "most_uses_each": marked("uses of one driver at most"),
    "first_only": marked("first charging only"),
    "least_minor": marked("least bill, minor units"),
    "site_ids": marked("sites"),
    "outlet_ids": marked("outlets"),
    "tariff_names": marked("prices"),
    "power_types": marked("power"),
    "grant_wh": marked("given after, Wh"),
    "grant_power_type": marked("given for power"),
    "grant_days": marked("good for days"),
    "ours": marked("here"),
    "theirs": marked("at the provider"),
    "healed": marked("mended"),
    "provider": marked("provider"),
    "payment": marked("payment"),
    "stage": marked("stage"),
    "taken": marked("taken"),
    "held": marked("held"),
    "refund": marked("refund"),
    "dispute": marked("dispute"),
    "source": marked("data source"),
    "newest": marked("data as of"),
    "format": marked("format"),
    "region": marked("region"),
    "url": marked("address"),
    "folder": marked("folder"),
    "every_s": marked("every, seconds"),
    "stale_after_s": marked("too old after, seconds"),
    "new_key": marked("new key"),
    "outcome": marked("outcome"),
    "on": marked("on"),
    "file": marked("file"),
    "name_en": marked("name in English"),
    "name_ja": marked("name in Japanese"),
    "time_zone": marked("time zone"),
    "advises": marked("windows are found"),
    "surplus": marked("surplus asked"),
    "threshold": marked("threshold"),
    "supply": marked("supply"),
    "shortest": marked("shortest window"),
    "gap": marked("slots bridged"),
    "most": marked("windows a day"),
}
"""The names of the details of alarms and of the audit log."""
ALARM_MAILS: Final = {
    AlarmMails.NONE: marked("none"),
    AlarmMails.CRITICAL: marked("critical ones"),
    AlarmMails.ALL: marked("all"),
}
WORK: Final = {
    "checkout": marked("Start what has been paid for, or give it back"),
    "balance-ends": marked("End what is left of old top-ups and credits"),
    "start": marked("Ask whether a session has started"),
    "stop": marked("Have a session stopped"),
    "check": marked("Ask a site about a session"),
    "limit": marked("Tell a site a new limit"),
    "longest": marked("End a session that is on too long"),
    "stray": marked("Stop a transaction without a session"),
    "api-old": marked("Delete old answers of the API"),
    "presence-old": marked("Delete old presence checks"),
    "silent": marked("Look for silent sessions"),
    "inventory": marked("Ask a site about its outlets"),
    "points-expire": marked("Let old points expire"),
    "settle": marked("Bill a session"),
    "invoices": marked("Issue invoices of old receipts"),
    "credit": marked("Issue a credit note"),
    "credited": marked("Tell a driver about a credit note"),
    "evidence": marked("Ask a site for missing readings of a session"),
    "correct": marked("Look at readings that came after the bill"),
    "bills": marked("Make bills and remind of them"),
    "bill-send": marked("Mail a bill"),
    "books": marked("Check the ledger"),
    "payment": marked("Hold, take or give back a payment"),
    "payment-hint": marked("Follow a payment provider's hint"),
    "payment-forget": marked("Delete a driver's cards at a payment provider"),
    "payments-reconcile": marked("Compare payments with their provider"),
    "tell": marked("Tell a driver about a session"),
    "interrupted": marked("Tell a driver about an interruption"),
    "push": marked("Send a notice to a phone"),
    "mail": marked("Send a mail"),
    "mails": marked("Send a mail that goes to many"),
    "advice": marked("Send advice to drivers"),
    "advice-push": marked("Send advice to a phone"),
    "webhook": marked("Send a webhook"),
    "watch": marked("Look for alarms"),
    "forget-frames": marked("Delete old messages of the journal"),
    "forget-stations": marked("Forget unknown stations of long ago"),
    "password": marked("Set another password at a site"),
    "passwords": marked("Look for old passwords of sites"),
    "reach": marked("Stop a charger at a session's limit"),
    "sampling": marked("Set how often a charger tells its meter"),
    "links": marked("Find stations whose process is gone"),
    "fetch": marked("Fetch a data source"),
    "decide": marked("Decide when charging is recommended"),
    "decide-daily": marked("Decide a region's windows in the morning and in the evening"),
    "feeds": marked("Look after data sources"),
    "feeds-folder": marked("Look for dropped files"),
    "feeds-old": marked("Forget old data of the grid"),
    "planned": marked("Start a planned charging"),
    "planned-push": marked("Tell a phone about a planned charging"),
    "window-shares": marked("Count what was charged while it was recommended"),
    "tell-labels": marked("Tell a site what stands on its labels"),
    "tell-windows": marked("Tell a site when charging is recommended"),
    "offers": marked("Ask another supplier what it sells at a site"),
}
"""The kinds of due work."""
ACTIONS: Final = {
    "bill.paid": marked("noted that a bill was paid"),
    "bill.returned": marked("noted that too much paid was given back"),
    "bill.take-back": marked("took back a note about a bill's money"),
    "bill.withdraw": marked("withdrew a bill"),
    "bill.send": marked("sent a bill again"),
    "bill.file": marked("opened a bill as a file"),
    "payout.record": marked("recorded a payout"),
    "payout.take-back": marked("took back a payout"),
    "statement.export": marked("saved a statement as a file"),
    "alarm.acknowledge": marked("acknowledged an alarm"),
    "driver.coupon": marked("gave a driver a coupon"),
    "driver.credit": marked("gave a driver credit"),
    "driver.look": marked("looked at a driver"),
    "driver.points": marked("corrected a driver's points"),
    "driver.search": marked("searched for a driver"),
    "driver.sign-out": marked("ended a driver's sign-ins"),
    "log.export": marked("saved the log as a file"),
    "outlet.change": marked("changed an outlet"),
    "outlet.close": marked("put an outlet out of use"),
    "outlet.open": marked("put an outlet back into use"),
    "partner.change": marked("changed a partner"),
    "partner.create": marked("added a partner"),
    "partner.remove": marked("removed a partner"),
    "partner.sites": marked("set where a partner sells"),
    "partner.site-name": marked("set a site's common name"),
    "pending.accept": marked("accepted an unknown station"),
    "pending.reject": marked("rejected an unknown station"),
    "pending.take-back": marked("took back the rejection of a station"),
    "power-type.add": marked("added a power type"),
    "power-type.change": marked("renamed a power type"),
    "power-type.remove": marked("removed a power type"),
    "price.set": marked("set a price"),
    "price.withdraw": marked("withdrew a price"),
    "region.change": marked("changed a region or its rule"),
    "region.create": marked("added a region"),
    "rewards.codes": marked("made codes of a coupon"),
    "rewards.coupon": marked("made a coupon"),
    "rewards.export": marked("saved codes of a coupon as a file"),
    "rewards.rule": marked("made a rule of points"),
    "rewards.stop-coupon": marked("stopped a coupon"),
    "rewards.stop-rule": marked("stopped a rule of points"),
    "payment.look": marked("had a payment looked at"),
    "payment.paid-otherwise": marked("noted that a refund was paid in another way"),
    "payment.refund": marked("gave back what was paid too much"),
    "session.check": marked("asked the site about a session"),
    "session.correct": marked("gave an amount of a bill back"),
    "session.send-receipt": marked("sent a receipt again"),
    "session.stop": marked("stopped a session"),
    "site.change": marked("changed a site"),
    "site.create": marked("made a site"),
    "site.hours": marked("changed opening hours"),
    "site.offers": marked("set what is sold at a site"),
    "site.password": marked("made another password for a site"),
    "site.plan": marked("changed a floor plan"),
    "source.change": marked("changed a data source"),
    "source.create": marked("added a data source"),
    "source.fetch": marked("had a data source fetched"),
    "source.remove": marked("removed a data source"),
    "source.switch": marked("switched a data source on or off"),
    "source.upload": marked("uploaded a file of a data source"),
    "staff.alarm-mails": marked("chose mails about alarms"),
    "staff.disable": marked("disabled a member"),
    "staff.end-token": marked("ended a token of a program"),
    "staff.token": marked("made a token for a program"),
    "staff.enable": marked("enabled a member"),
    "staff.enrol": marked("took an invitation"),
    "staff.invite": marked("invited a member"),
    "staff.reset": marked("took a member's access away"),
    "staff.role": marked("changed a role"),
    "staff.sign-in": marked("signed in"),
    "staff.sign-out": marked("signed out"),
    "supplier.add": marked("added a supplier"),
    "supplier.change": marked("changed a supplier"),
    "contract.add": marked("made a contract with a supplier"),
    "contract.end": marked("ended a contract with a supplier"),
    "work.retry": marked("had work tried again"),
}
"""What the audit log says was done; an action that is new here by its own name."""


def found_in(language: Language, names: Mapping[str, str], word: str) -> str:
    """Return what a word is called; one that is new here is called by itself."""
    return language.text(names[word]) if word in names else word
