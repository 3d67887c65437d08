"""The log of a process: one line each, for a person or for a program."""

import logging
import re
import sys
from collections import Counter
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, override

from pythonjsonlogger.json import JsonFormatter

log_context: Final[ContextVar[dict[str, str] | None]] = ContextVar("log_context", default=None)
"""What the running task is about, by name: `station_id`, `request_id`, `work`. No person."""

_SUBJECT: Final = re.compile(r"\b(session|station|outlet|work) %[sr]")
"""Messages name their subject like this, with its id as a parameter: `session %s ended`."""
_PLACEHOLDER: Final = re.compile(r"%[-#0 +]*[\d*]*(?:\.[\d*]+)?[a-zA-Z]")


MOST_ALIKE: Final = 100


class LogFormat(StrEnum):
    """How a line of the log is written."""

    TEXT = "text"
    JSON = "json"


class _Context(logging.Filter):
    """Puts onto each record what it is about: from its parameters, else from the running task."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        fields = dict(log_context.get() or {})
        if isinstance(record.args, tuple) and isinstance(record.msg, str):
            for found in _SUBJECT.finditer(record.msg):
                number = len(_PLACEHOLDER.findall(record.msg, 0, found.start()))
                if number < len(record.args):
                    name = "work" if found[1] == "work" else f"{found[1]}_id"
                    fields[name] = str(record.args[number])
        for name, value in fields.items():
            if not hasattr(record, name):
                setattr(record, name, value)
        return True


class _Floods(logging.Filter):
    """Lets a line of one form through `MOST_ALIKE` times a minute, and says when it stops.

    Peers that send nonsense at full speed, or a database that is away, would fill the disk with one line.
    """

    def __init__(self) -> None:
        super().__init__()
        self._minute = 0
        self._counts: Counter[tuple[str, str]] = Counter()

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        minute = int(record.created // 60)
        if minute != self._minute:
            self._minute = minute
            self._counts.clear()
        form = (record.name, str(record.msg))
        self._counts[form] += 1
        if self._counts[form] == MOST_ALIKE:
            record.msg = f"{record.msg} (the last of this form in this minute)"
        return self._counts[form] <= MOST_ALIKE


class _Json(JsonFormatter):
    """One object a line: `time` (RFC 3339, UTC), `level`, `logger`, `message`, `exception`, and what it is about."""

    def __init__(self) -> None:
        super().__init__(
            "%(levelname)s %(name)s %(message)s",
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "exception", "stack_info": "stack"},
            json_ensure_ascii=False,
        )

    @override
    def process_log_record(self, log_data: dict[str, object]) -> dict[str, object]:
        # First, where a person looks for it.
        return super().process_log_record({"time": log_data.pop("time"), **log_data})

    @override
    def add_fields(
        self, log_data: dict[str, object], record: logging.LogRecord, message_dict: dict[str, object]
    ) -> None:
        super().add_fields(log_data, record, message_dict)
        at = datetime.fromtimestamp(record.created, UTC)
        log_data["time"] = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def configure_log(level: str, form: LogFormat = LogFormat.TEXT) -> None:
    """Log to standard error, everything in one form: also what uvicorn, aiohttp and SQLAlchemy say."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_Floods())
    if form is LogFormat.JSON:
        handler.setFormatter(_Json())
        handler.addFilter(_Context())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Warnings of libraries are lines of the log too.
    logging.captureWarnings(capture=True)
    # Queries and their parameters hold what people typed.
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)
    logging.getLogger("aiosqlite").setLevel(logging.WARNING)
    # It would write down what opens a driver's payment.
    logging.getLogger("stripe").setLevel(logging.WARNING)
