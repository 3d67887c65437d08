"""Mails: composed in the recipient's language, kept in the transaction, sent by due work.

Without a mail server (`KONSENTO_SMTP_URL`) and without a folder (`KONSENTO_MAIL_FOLDER`) nothing can be sent:
`possible` says so, and pages do not offer what needs a mail.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from html import escape
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit
from uuid import UUID

import aiosmtplib
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.i18n import Language
from konsento.kit.ids import new_id
from konsento.kit.work import Again, Job
from konsento.models import MailAttachment, OutgoingMail
from konsento.services import Services
from konsento.settings import Settings

log = logging.getLogger(__name__)

TIMEOUT_S: Final = 30.0
"""For one mail; well within the lease of due work."""
MANY: Final = "mails"
"""Due work of mails that go to many people at once."""
_PLACES: Final = 4
"""How many of those are handed over side by side."""
_BODY: Final = "margin:0 auto;max-width:32rem;padding:24px 18px;font:16px/1.6 sans-serif;color:#17211c"
_BUTTON: Final = (
    "display:inline-block;padding:12px 20px;border-radius:12px;background:#1f7a4d;color:#fff;text-decoration:none"
)


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file that goes with a mail."""

    name: str
    """ASCII, with its ending."""
    media_type: str
    """With its parameters, as in `text/calendar; charset=utf-8`."""
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Mail:
    """A mail in plain words; the look is the same for all."""

    recipient: str
    subject: str
    paragraphs: tuple[str, ...]
    link: tuple[str, str] | None = None
    """What the one button says, and where it leads."""
    also: tuple[str, str] | None = None
    """A second link, which is no button."""
    attachments: tuple[Attachment, ...] = ()
    unsubscribe: str = ""
    """Address that ends mails of this kind with one request (RFC 8058); empty for mails that somebody asked for."""


def possible(settings: Settings) -> bool:
    """Tell whether mails can be sent."""
    return bool(settings.smtp_url) or settings.mail_folder is not None


async def queue(session: AsyncSession, services: Services, mail: Mail, language: Language) -> None:
    """Send a mail when the transaction is committed. Where none can be sent it is dropped, and the log says so."""
    await _queue(session, services, [(mail, language)], "mail")


async def queue_many(session: AsyncSession, services: Services, mails: Iterable[tuple[Mail, Language]]) -> None:
    """Do as `queue` for mails that go to many people, and keep nobody waiting who asked for one meanwhile."""
    await _queue(session, services, mails, MANY)


async def _queue(session: AsyncSession, services: Services, mails: Iterable[tuple[Mail, Language]], work: str) -> None:
    if not possible(services.settings):
        log.warning("a mail was not sent: neither KONSENTO_SMTP_URL nor KONSENTO_MAIL_FOLDER is set")
        return
    keys: list[str] = []
    files: list[MailAttachment] = []
    for mail, language in mails:
        row = OutgoingMail(
            id=new_id(),
            recipient=mail.recipient,
            subject=mail.subject,
            text=_text(mail, services.settings),
            html=_html(mail, language, services.settings),
            unsubscribe=mail.unsubscribe,
            created_at=services.clock.now(),
        )
        session.add(row)
        keys.append(str(row.id))
        files += [
            MailAttachment(
                id=new_id(), mail_id=row.id, name=file.name, media_type=file.media_type, content=file.content
            )
            for file in mail.attachments
        ]
    await session.flush()
    session.add_all(files)
    await services.work.add_all(session, work, keys)


def install(services: Services) -> None:
    """Register the handlers of due work."""

    @services.work.on("mail")
    async def mail(job: Job) -> Again | None:
        await send(services, UUID(job.key))
        return None

    # Places of their own: a link to sign in does not stand in line behind thousands of them.
    @services.work.on(MANY, places=_PLACES)
    async def one_of_many(job: Job) -> Again | None:
        await send(services, UUID(job.key))
        return None


async def send(services: Services, mail_id: UUID) -> None:
    """Hand a mail over and forget it. Raises what the mail server refuses with; due work tries again."""
    async with services.database.transaction() as session:
        row = await session.get(OutgoingMail, mail_id)
        query = select(MailAttachment).where(MailAttachment.mail_id == mail_id).order_by(MailAttachment.id)
        files = list(await session.scalars(query))
    if row is None:
        return
    message = _message(row, files, services.settings)
    if services.settings.mail_folder is not None:
        _write(services.settings.mail_folder, row, message)
    else:
        await _hand_over(services.settings.smtp_url, message)
    async with services.database.transaction() as session:
        sent = await session.get(OutgoingMail, mail_id)
        if sent is not None:
            await session.delete(sent)


async def forget_to(session: AsyncSession, recipient: str) -> None:
    """Drop what has not been sent to an address yet."""
    await session.execute(delete(OutgoingMail).where(OutgoingMail.recipient == recipient))


def _message(row: OutgoingMail, files: Sequence[MailAttachment], settings: Settings) -> EmailMessage:
    message = EmailMessage()
    message["From"] = settings.mail_from
    message["To"] = row.recipient
    message["Subject"] = row.subject
    message["Date"] = format_datetime(row.created_at)
    # The same for every attempt: a mail that was handed over twice is one in many mailboxes.
    message["Message-ID"] = f"<{row.id}@{parseaddr(settings.mail_from)[1].rpartition('@')[2] or 'localhost'}>"
    message["Auto-Submitted"] = "auto-generated"
    if row.unsubscribe:
        message["List-Unsubscribe"] = f"<{row.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(row.text)
    message.add_alternative(row.html, subtype="html")
    for file in files:
        media_type, *parameters = file.media_type.split(";")
        kind, _, subtype = media_type.partition("/")
        given = dict(one.strip().split("=", 1) for one in parameters)
        message.add_attachment(file.content, maintype=kind, subtype=subtype, filename=file.name, params=given)
    return message


async def _hand_over(smtp_url: str, message: EmailMessage) -> None:
    server = urlsplit(smtp_url)
    encrypted = server.scheme == "smtps"
    await aiosmtplib.send(
        message,
        hostname=server.hostname or "localhost",
        port=server.port or (465 if encrypted else 25),
        username=unquote(server.username) if server.username else None,
        password=unquote(server.password) if server.password else None,
        use_tls=encrypted,
        timeout=TIMEOUT_S,
    )


def _write(folder: Path, row: OutgoingMail, message: EmailMessage) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{_stamp(row.created_at)}-{row.id}.eml").write_bytes(bytes(message))


def _stamp(at: datetime) -> str:
    return at.strftime("%Y%m%dT%H%M%S")


def _text(mail: Mail, settings: Settings) -> str:
    links = [f"{says}:\n{address}" for says, address in filter(None, (mail.link, mail.also))]
    return "\n\n".join([*mail.paragraphs, *links, f"-- \n{settings.operator_name}\n{settings.public_url}"]) + "\n"


def _html(mail: Mail, language: Language, settings: Settings) -> str:
    paragraphs = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in mail.paragraphs)
    link = ""
    if mail.link:
        says, address = mail.link
        link = f'<p><a style="{_BUTTON}" href="{escape(address)}">{escape(says)}</a></p>'
    if mail.also:
        says, address = mail.also
        link += f'<p><a href="{escape(address)}">{escape(says)}</a></p>'
    return (
        f'<!doctype html><html lang="{language.code}"><head><meta charset="utf-8"><title>{escape(mail.subject)}</title>'
        f'</head><body style="{_BODY}">{paragraphs}{link}'
        f'<p style="color:#56645c">{escape(settings.operator_name)}</p></body></html>'
    )
