"""Settings from the environment (12-factor): every name below with the prefix `KONSENTO_`."""

import re
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy import make_url
from stdnum import iban
from stdnum.eu import vat
from stdnum.jp import cn

from konsento.kit.logs import LogFormat
from konsento.kit.nats import is_nats_url
from konsento.kit.proxies import Proxies


class Role(StrEnum):
    """What a process serves."""

    PAGES = "pages"
    """The pages of drivers and staff, and the API."""
    GATEWAY = "gateway"
    """The stations' connections."""
    WORK = "work"
    """Due work: settlement, notices, webhooks, everything that happens by itself."""


class UnknownStations(StrEnum):
    """What becomes of a station that dials in and is no site's."""

    REFUSE = "refuse"
    HOLD = "hold"
    """It waits, pending, until the operator accepts or rejects it."""


class InvoiceCountry(StrEnum):
    """Whose rules invoices follow."""

    JP = "JP"
    EU = "EU"
    OTHER = "other"


class BillEvery(StrEnum):
    """When what drivers charge by bill is billed."""

    OFF = "off"
    SESSION = "session"
    MONTH = "month"


_NUMBER_FORMAT: Final = re.compile(
    r"(?:[A-Za-z0-9._-]|\{year\}|\{month:02\})*\{number(?::0\d{1,2})?\}(?:[A-Za-z0-9._-])*"
)

_ORIGIN: Final = re.compile(r"https?://[^/\s@?#]+")


class Settings(BaseSettings):
    """Settings of the management server."""

    model_config = SettingsConfigDict(env_prefix="KONSENTO_")

    database_url: str = "sqlite+aiosqlite:///konsento.sqlite3"
    """SQLAlchemy URL with an async driver: SQLite for one process, PostgreSQL (`postgresql+asyncpg://…`) for more."""
    database_connections: int = Field(default=10, ge=2, le=1000)
    """The most that one process opens to a PostgreSQL server."""
    statement_timeout_s: float = Field(default=30.0, ge=1)
    """After so long PostgreSQL ends a statement, or a transaction in which nothing happens."""
    nats_url: str = ""
    """NATS servers by which several processes reach each other: `nats://USER:PASSWORD@HOST:4222` or `tls://…`, several
    separated by commas; empty for one process."""
    nats_ca_file: Path | None = None
    """Certificates of the authority that NATS's own certificate is from, where the system does not know it (PEM)."""
    roles: Annotated[frozenset[Role], NoDecode] = frozenset(Role)
    """What this process serves, separated by commas: `pages`, `gateway`, `work`; all of it without this setting."""
    host: str = "127.0.0.1"
    """Address that the pages listen on."""
    port: int = Field(default=8080, ge=1, le=65535)
    """Port of the pages."""
    ocpp_host: str = "127.0.0.1"
    """Address that the OCPP gateway listens on."""
    ocpp_port: int = Field(default=8081, ge=1, le=65535)
    """Port of the OCPP gateway."""
    trusted_proxies: str = ""
    """Addresses and networks of reverse proxies on other machines, separated by spaces: whom they say that they speak
    for is believed. This machine's own is in any case."""
    public_url: str = "http://127.0.0.1:8080"
    """Address under which drivers reach the pages; QR codes hold it."""
    ocpp_url: str = Field(default="", pattern=r"^$|^wss?://[^/@\s]+(/[^@\s]*)?$")
    """Address that sites dial, without the station id; empty: derived from `public_url`."""
    ocpp_tls_certificate: Path | None = None
    """The gateway's certificate with its chain, PEM: then it speaks TLS itself; without, TLS is the proxy's."""
    ocpp_tls_key: Path | None = None
    """The key of that certificate, PEM without a pass phrase."""
    ocpp_client_ca: Path | None = None
    """Certificates of those who certify stations, PEM: security profile 3. Needs TLS in the gateway."""
    ocpp_without_password: bool = False
    """Sites may be set to security profile 0: whoever knows their station id comes in."""
    ocpp_unknown: UnknownStations = UnknownStations.REFUSE
    """What becomes of stations that no site is known for."""
    ocpp_retry_s: int = Field(default=60, ge=10, le=86_400)
    """After how many seconds a station that waits for the operator asks again."""
    ocpp_heartbeat_s: int = Field(default=60, ge=10, le=86_400)
    """Seconds between heartbeats that stations are asked for."""
    ocpp_sockets_per_address: int = Field(default=10_000, ge=1)
    """Connections of stations from one network address; all that come through a proxy of strangers share one."""
    ocpp_password_days: int = Field(default=0, ge=0, le=3650)
    """After how many days a station gets another password over its line; 0 for never."""
    operator_name: str = "Konsento"
    """The supplier that runs this server, as drivers read it."""
    support_contact: str = Field(default="", max_length=100)
    """Where drivers get help, as they read it on pages and labels: a telephone number, an address; empty for none."""
    currency: str = Field(default="JPY", pattern="^[A-Z]{3}$")
    """ISO 4217 code of all amounts of this deployment."""
    tax_rate: Decimal = Field(default=Decimal("0.10"), ge=0, lt=1)
    """Share of tax that the prices include."""
    time_zone: str = "Asia/Tokyo"
    """Where the operator's days, months and years begin: of invoices and statements (IANA). Times of a session are
    those of its site."""
    operator_address: str = Field(default="", max_length=300)
    """The operator's address, as it stands on invoices."""
    invoice_country: InvoiceCountry = InvoiceCountry.JP
    """Whose rules invoices follow: `JP` (qualified simplified invoices), `EU` (value-added tax) or `other`."""
    registration_number: str = Field(default="", max_length=32)
    """The operator's number on invoices: in Japan T and 13 digits, in the European Union the VAT identification number.
    Without it there are no qualified invoices, and none are called so."""
    invoice_numbers: str = Field(default="K-{year}-{number:06}", max_length=40)
    """How the number of an invoice is written. It counts on for ever, without gaps; `{year}` and `{month:02}` are those
    of the day of issue."""
    credit_note_numbers: str = Field(default="KC-{year}-{number:06}", max_length=40)
    """The same of credit notes, which have numbers of their own."""
    welcome_credit_minor: int = Field(default=0, ge=0)
    """Credit in minor units that a new account gets from the operator; 0 for none."""
    balance: bool = False
    """Drivers may pay money in and charge from it. Off by default: that makes the operator an issuer of prepaid
    instruments (docs/payments.md). What a driver has can be spent in any case, and so can a welcome credit."""
    balance_months: int = Field(default=6, ge=1, le=60)
    """What comes into a balance can be used for so many months, less a day."""
    top_up_most_minor: int = Field(default=20_000, ge=1)
    """The most that a driver may pay into the balance at once, in minor units."""
    pay_later_minor: int = Field(default=0, ge=0)
    """The most, in minor units, that an account may charge without having said how it pays; 0: nobody may."""
    pay_later_days: int = Field(default=14, ge=1, le=365)
    """Who owes something for so many days starts nothing new before it is paid."""
    bill: BillEvery = BillEvery.OFF
    """Accounts may charge by bill: each session is billed at once (`session`), or all of a month on its first day
    after (`month`); `off`: nobody may, and what was agreed before is billed at once."""
    bill_most_minor: int = Field(default=20_000, ge=1)
    """The most, in minor units, that one driver may owe and have running to charge by bill."""
    bill_days: int = Field(default=14, ge=1, le=365)
    """A bill is to be paid within so many days. From then on its driver starts nothing new, and is reminded."""
    bill_reminder_days: int = Field(default=7, ge=1, le=365)
    """So many days lie between two reminders."""
    bill_bank: str = Field(default="", max_length=300)
    """Where bills are paid, as it stands on them, in lines that `|` may separate: bank, branch, account, holder. Needed
    for bills unless there is an IBAN."""
    bill_iban: str = Field(default="", max_length=42)
    """The account's IBAN; in euro, bills have a QR code with which banks' apps fill the transfer in."""
    goodwill_day_minor: int = Field(default=100_000, ge=0)
    """Credit in minor units that one member of the staff may give to drivers in 24 hours."""
    point_value: Decimal = Field(default=Decimal(1), ge=0, le=1_000_000, max_digits=16, decimal_places=8)
    """What one eco point takes off a bill, in minor units; 0 where points are collected and cannot be spent."""
    points_expire_days: int = Field(default=365, ge=0, le=3650)
    """After how many days points expire that are earned from now on; 0 for never."""
    evse_id_prefix: str = Field(default="", pattern=r"^$|^[A-Z]{2}\*[A-Z0-9]{3}$")
    """Country and operator in the outlets' EVSE-IDs, for example `JP*KNS`; empty where they have none."""
    newcomers_per_hour: int = Field(default=20, ge=1)
    """Guests and accounts that one network address may make: a family or a company behind one, not a script."""
    start_expiry_s: int = Field(default=30, ge=5, le=600)
    """How long a start request stays valid on its way to the outlet."""
    idle_minutes: int = Field(default=30, ge=0, le=1440)
    """A session whose car takes no power for so long is ended by the server, if the outlet has not; 0 for never."""
    map_tiles_url: str = Field(
        default="", pattern=r"^$|^https?://[\w.:\[\]-]+/\S*\{[xyz]\}\S*\{[xyz]\}\S*\{[xyz]\}\S*$"
    )
    """Raster tiles over the map's own outlines, for example `https://tiles.example/{z}/{x}/{y}.png`; empty for none."""
    map_attribution: str = ""
    """Whose tiles they are, as their licence wants it said; addresses in it become links."""
    fake_payments: bool = False
    """Offers a test card with which no money moves: for development, demonstrations and tests only."""
    stripe_secret_key: SecretStr = SecretStr("")
    """Secret key of the operator's Stripe account (`sk_…`, or a restricted key); empty for no payments by Stripe."""
    stripe_publishable_key: str = ""
    """Its publishable key (`pk_…`), for the drivers' pages."""
    stripe_webhook_secret: SecretStr = SecretStr("")
    """Signing secret of the webhook `PUBLIC_URL/hooks/stripe` (`whsec_…`); empty: Stripe's hints are not taken."""
    stripe_methods: str = "card"
    """Stripe's payment method types that drivers are offered, separated by spaces: `card paypay konbini`; wallets come
    with `card`. Empty: whatever is switched on in the account."""
    stripe_api_url: str = Field(default="https://api.stripe.com", pattern="^https?://[^/]+$")
    """Where Stripe's API is; another address only in development."""
    card_hold_max_minor: int = Field(default=10_000, ge=1)
    """The most that is held for one charging at an external payment provider, in minor units."""
    vapid_private_key: str = ""
    """Key with which notices to browsers are signed (RFC 8292): PKCS 8, PEM or base64url of DER; empty to make one."""
    push_services: str = "fcm.googleapis.com push.services.mozilla.com web.push.apple.com notify.windows.com"
    """Hosts to which notices to browsers may go, with their subdomains, over HTTPS; or whole origins."""
    smtp_url: str = Field(default="", pattern="^$|^smtps?://[^/]")
    """Mail server: `smtp://USER:PASSWORD@HOST:587` (STARTTLS where it is offered) or `smtps://…`; empty for none."""
    mail_from: str = "Konsento <no-reply@localhost>"
    """Sender of the mails."""
    mail_folder: Path | None = None
    """Mails are written into this folder instead of sent: for development and tests."""
    ocpp_journal_days: int = Field(default=30, ge=0, le=3650)
    """How many days the journal keeps what went between sites and server; 0 for no journal."""
    api_requests_per_minute: int = Field(default=300, ge=1)
    """Requests that one token may make in a minute, in each process."""
    offers_requests_per_minute: int = Field(default=120, ge=1)
    """Questions for offers that one network address may ask in a minute, in each process."""
    partners_to_loopback: bool = False
    """Partners' servers may be on this machine, also over HTTP: for development and tests only."""
    webhooks_to_loopback: bool = False
    """Webhooks may go to this machine, also over HTTP: for development and tests only."""
    feeds_folder: Path | None = None
    """Folder with the folders of data sources, in which files about the grid are dropped; none without it."""
    feeds_days: int = Field(default=400, ge=70, le=3650)
    """How many days data of the grid are kept; decisions about windows stay."""
    feeds_origins: str = ""
    """Origins on inner networks that data of the grid may be fetched from, also over HTTP (`http://10.0.0.5:8000`),
    separated by spaces; anything else has to be public and HTTPS."""
    ocpp_journal_max_rows: int = Field(default=5_000_000, ge=0)
    """How many messages it keeps at most, about 0.5 kB each; the oldest go first. 0 for no bound but the days."""
    log_level: str = "INFO"
    """Level of the log."""
    log_format: LogFormat = LogFormat.TEXT
    """`text` for people, or `json`: one object a line."""
    metrics_host: str = "127.0.0.1"
    """Address that the metrics listen on; whoever reaches it may read them."""
    metrics_port: int = Field(default=0, ge=0, le=65535)
    """Port of the metrics for Prometheus; 0 for none."""

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        Proxies(*value.split())
        return value

    @field_validator("feeds_origins")
    @classmethod
    def _origins(cls, value: str) -> str:
        if not all(_ORIGIN.fullmatch(origin) for origin in value.split()):
            raise ValueError("whole origins without a path, separated by spaces: http://10.0.0.5:8000")
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, OSError) as error:
            raise ValueError("no time zone of this name, as Asia/Tokyo") from error
        return value

    @field_validator("bill_bank")
    @classmethod
    def _lines(cls, value: str) -> str:
        return "\n".join(line.strip() for line in value.replace("|", "\n").splitlines() if line.strip())

    @field_validator("bill_iban")
    @classmethod
    def _iban(cls, value: str) -> str:
        if value and not iban.is_valid(value):
            raise ValueError("no IBAN: its length or its check digits are wrong")
        return iban.compact(value)

    @field_validator("invoice_numbers", "credit_note_numbers")
    @classmethod
    def _numbers(cls, value: str) -> str:
        if not _NUMBER_FORMAT.fullmatch(value):
            raise ValueError("letters, digits, `-`, `_`, `.`, {year}, {month:02} and, once, {number} or {number:06}")
        return value

    @model_validator(mode="after")
    def _registered(self) -> Self:
        number = self.registration_number
        if number and self.invoice_country is InvoiceCountry.JP and not (number[0] == "T" and cn.is_valid(number[1:])):
            raise ValueError("KONSENTO_REGISTRATION_NUMBER: T and the 13 digits of a corporate number")
        if number and self.invoice_country is InvoiceCountry.EU and not vat.is_valid(number):
            raise ValueError(
                "KONSENTO_REGISTRATION_NUMBER: a VAT identification number with its country, as DE136695976"
            )
        if self.bill is not BillEvery.OFF and not (self.bill_bank or self.bill_iban):
            raise ValueError("KONSENTO_BILL needs an account to be paid to: KONSENTO_BILL_BANK, KONSENTO_BILL_IBAN")
        if self.invoice_numbers == self.credit_note_numbers:
            raise ValueError("KONSENTO_INVOICE_NUMBERS and KONSENTO_CREDIT_NOTE_NUMBERS have to differ")
        return self

    @field_validator("roles", mode="before")
    @classmethod
    def _separated(cls, value: object) -> object:
        return [word.strip() for word in value.split(",")] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _processes_reach_each_other(self) -> Self:
        several = self.nats_url or self.roles != frozenset(Role)
        if several and make_url(self.database_url).get_backend_name() == "sqlite":
            raise ValueError(
                "an SQLite file serves one process: several (KONSENTO_NATS_URL, KONSENTO_ROLES) need PostgreSQL "
                "(KONSENTO_DATABASE_URL=postgresql+asyncpg://…)"
            )
        if self.roles != frozenset(Role) and not self.nats_url:
            raise ValueError("a process with only some roles reaches the others over NATS: set KONSENTO_NATS_URL")
        if self.nats_url and not is_nats_url(self.nats_url):
            raise ValueError("KONSENTO_NATS_URL: nats://HOST:4222 or tls://HOST:4222, several separated by commas")
        if not self.roles:
            raise ValueError("KONSENTO_ROLES: at least one of pages, gateway, work")
        return self

    @model_validator(mode="after")
    def _whole_stripe(self) -> Settings:
        if bool(self.stripe_secret_key.get_secret_value()) != bool(self.stripe_publishable_key):
            raise ValueError("KONSENTO_STRIPE_SECRET_KEY and KONSENTO_STRIPE_PUBLISHABLE_KEY belong together")
        return self

    @model_validator(mode="after")
    def _whole_tls(self) -> Settings:
        if (self.ocpp_tls_certificate is None) != (self.ocpp_tls_key is None):
            raise ValueError("KONSENTO_OCPP_TLS_CERTIFICATE and KONSENTO_OCPP_TLS_KEY belong together")
        if self.ocpp_client_ca is not None and self.ocpp_tls_certificate is None:
            raise ValueError("KONSENTO_OCPP_CLIENT_CA needs KONSENTO_OCPP_TLS_CERTIFICATE and KONSENTO_OCPP_TLS_KEY")
        return self

    @property
    def proxies(self) -> Proxies:
        """The proxies that are believed."""
        return Proxies(*self.trusted_proxies.split())

    @property
    def public_ocpp_url(self) -> str:
        """The address that sites dial, without the station id: `wss://charge.example/ocpp`.

        Unless it is set: the name of the pages; where a proxy has TLS, at its port, otherwise at the gateway's own.
        """
        if self.ocpp_url:
            return self.ocpp_url.rstrip("/")
        pages = urlsplit(self.public_url)
        if pages.scheme == "https" and self.ocpp_tls_certificate is None:
            return f"wss://{pages.netloc}/ocpp"
        host = f"[{pages.hostname}]" if ":" in (pages.hostname or "") else pages.hostname
        scheme = "ws" if self.ocpp_tls_certificate is None else "wss"
        return f"{scheme}://{host}:{self.ocpp_port}/ocpp"
