"""What was decided about the days of a region, by what numbers, and slot by slot why."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton
from fastapi import APIRouter, Request
from starlette.responses import Response

from konsento.backoffice import region_words as words
from konsento.backoffice.paging import PAGE, Pages
from konsento.backoffice.render import office_page
from konsento.backoffice.who import Member, Number
from konsento.backoffice.words import found_in
from konsento.grid.decisions import count_decisions, decisions_of, is_unchanged, recompute
from konsento.grid.finding import Found, Judged
from konsento.grid.regions import name_of
from konsento.grid.rule import Rule
from konsento.kit.i18n import Language
from konsento.models import GridRegion, WindowDecision
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()


@dataclass(frozen=True, kw_only=True)
class DecisionRow:
    """A decision in words."""

    decision: WindowDecision
    day: str
    zone: str
    """By whose clock it was made."""
    outcome: str
    tone: str
    reason: str
    windows: str
    reference: str
    threshold: str
    history_days: int
    stale: int
    """Sources that were left out as too old."""


@dataclass(frozen=True, kw_only=True)
class SlotRow:
    """A slot and what the rule says of it."""

    when: str
    surplus: str
    share: str
    power: str
    verdict: str
    inside: bool
    """Within a window that was found."""


@router.get("/regions/{code}/decisions")
async def decisions_page(
    request: Request, code: str, services: Wired, member: Member, *, page: str = "1", day: str = ""
) -> Response:
    """List the decisions about a region, or about one of its days."""
    language = language_of(request)
    wanted = _day(day)
    async with services.database.transaction() as session:
        region = await session.get(GridRegion, code)
        if region is None:
            raise PageNotFound
        pages = Pages.of(_number(page), await count_decisions(session, code, wanted))
        found = await decisions_of(session, code, most=PAGE, offset=pages.offset, day=wanted)
    return office_page(
        request,
        "region_decisions.html",
        member=member,
        region=region,
        name=name_of(region, language.code),
        rows=[_row(language, one, region.time_zone) for one in found],
        pages=pages,
        query={"day": str(wanted)} if wanted else {},
        day=wanted,
    )


@router.get("/regions/{code}/decisions/{number}")
async def decision_page(request: Request, code: str, number: Number, services: Wired, member: Member) -> Response:
    """Explain a decision by what was stored with it."""
    language = language_of(request)
    async with services.database.transaction() as session:
        region = await session.get(GridRegion, code)
        decision = await session.get(WindowDecision, number)
        if region is None or decision is None or decision.region != code:
            raise PageNotFound
    again = recompute(decision)
    row = _row(language, decision, region.time_zone)
    return office_page(
        request,
        "region_decision.html",
        member=member,
        region=region,
        name=name_of(region, language.code),
        row=row,
        lines=words.rule_lines(language, Rule.from_dict(decision.rule)),
        slots=[_slot(language, one, again, ZoneInfo(row.zone)) for one in again.judged],
        unchanged=is_unchanged(decision),
        found=words.spans(language, ((one.begin, one.end) for one in again.windows), ZoneInfo(row.zone)),
    )


def _row(language: Language, decision: WindowDecision, zone: str) -> DecisionRow:
    inputs: dict[str, Any] = decision.inputs
    zone = inputs.get("time_zone", zone)
    return DecisionRow(
        decision=decision,
        day=str(format_skeleton("yMMMEd", decision.day, locale=language.dates)),
        zone=zone,
        outcome=found_in(language, words.OUTCOMES, decision.outcome),
        tone=words.TONES.get(decision.outcome, ""),
        reason=words.reason(language, decision.reason),
        windows=words.spans(
            language,
            ((datetime.fromisoformat(one["begin"]), datetime.fromisoformat(one["end"])) for one in decision.windows),
            ZoneInfo(zone),
        ),
        reference=words.percent(language, _decimal(inputs, "reference_percent")),
        threshold=words.threshold(language, _decimal(inputs, "threshold_mw"), _decimal(inputs, "threshold_share")),
        history_days=inputs.get("history_days", 0),
        stale=len(inputs.get("stale_sources", ())),
    )


def _slot(language: Language, one: Judged, found: Found, zone: ZoneInfo) -> SlotRow:
    return SlotRow(
        when=words.clock_span(language, one.begin, one.end, zone),
        surplus=words.percent(language, one.surplus),
        share=words.percent(language, one.share * 100 if one.share is not None else None),
        power=words.mw(language, one.first_mw),
        verdict=language.text(words.VERDICTS[one.verdict]),
        inside=any(window.begin <= one.begin < window.end for window in found.windows),
    )


def _decimal(inputs: dict[str, Any], name: str) -> Decimal | None:
    said = inputs.get(name)
    return None if said is None else Decimal(said)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 1


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
