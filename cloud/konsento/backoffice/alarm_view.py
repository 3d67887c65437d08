"""An alarm in words: on its page, in a file, in a mail."""

from dataclasses import dataclass

from konsento.backoffice.words import ADVICE, ALARMS, FACTS, SEVERITIES, WORK, found_in
from konsento.kit.i18n import Language
from konsento.models import Alarm, AlarmKind, Severity


@dataclass(frozen=True, kw_only=True)
class AlarmRow:
    """One alarm."""

    alarm: Alarm
    title: str
    about: str
    """Its subject as the staff reads it."""
    advice: str
    severity: str
    tone: str
    facts: str
    link: str
    """Where there is more about its subject; empty for nowhere."""
    who: str | None
    """Acknowledged it."""
    can_retry: bool


def alarm_row(language: Language, alarm: Alarm, who: str | None = None) -> AlarmRow:
    """Describe an alarm; `who` acknowledged it."""
    return AlarmRow(
        alarm=alarm,
        title=language.text(ALARMS[alarm.kind]),
        about=_about(language, alarm),
        advice=language.text(ADVICE[alarm.kind]),
        severity=language.text(SEVERITIES[alarm.severity]),
        tone="bad" if alarm.severity is Severity.CRITICAL else "wait",
        facts=" · ".join(
            f"{found_in(language, FACTS, name)}: {value}"
            for name, value in alarm.details.items()
            if value not in {"", None}
        ),
        link=_link(alarm),
        who=who,
        can_retry=alarm.kind is AlarmKind.WORK_GIVEN_UP,
    )


def _about(language: Language, alarm: Alarm) -> str:
    if alarm.kind is AlarmKind.WORK_GIVEN_UP:
        kind, _, key = alarm.subject.partition(" ")
        return f"{found_in(language, WORK, kind)} {key}"
    if alarm.kind is AlarmKind.MAILS_REFUSED:
        return ""
    if alarm.kind is AlarmKind.SOURCE_STALE:
        return str(alarm.details["source"])
    return alarm.subject


def _link(alarm: Alarm) -> str:
    match alarm.kind:
        case (
            AlarmKind.SESSION_SILENT | AlarmKind.SESSION_UNSETTLED | AlarmKind.METER_DOUBTFUL | AlarmKind.LATE_READINGS
        ):
            return f"/office/sessions/{alarm.subject}"
        case AlarmKind.PAYMENT_DIFFERS | AlarmKind.PAYMENT_DISPUTED | AlarmKind.REFUND_FAILED:
            return f"/office/payments/{alarm.subject}"
        case AlarmKind.WORK_GIVEN_UP if alarm.subject.startswith("payment "):
            return f"/office/payments/{alarm.subject.partition(' ')[2]}"
        case AlarmKind.SITE_OFFLINE | AlarmKind.UNKNOWN_TRANSACTION | AlarmKind.CLOCK_WRONG:
            return f"/office/stations/{alarm.subject.partition(' ')[0]}"
        case AlarmKind.SOURCE_STALE:
            return f"/office/feeds/{alarm.subject}"
        case AlarmKind.OUTLET_FAULTED | AlarmKind.PRESENCE_UNCHECKED | AlarmKind.LABEL_DOUBTFUL:
            return f"/office/sessions?text={alarm.subject}"
        case AlarmKind.PROCESS_GONE | AlarmKind.DISK_FULL | AlarmKind.MAILS_REFUSED:
            return "/office/health"
        case _:
            return ""
