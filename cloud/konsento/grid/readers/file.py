"""A file as it came: its text, its rows, and what it certainly is not."""

import csv
import io
import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from konsento.grid.errors import BrokenDocument, EmptyFile, Mojibake, NotText, TooLarge, WebPage

LARGEST: Final = 20_000_000
"""Bytes; a fiscal year of spot prices, the largest of these files, has 4 MB."""
_PAGE: Final = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_TITLE: Final = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_WORDS: Final = ("エリア", "需要", "日付", "時間", "予測", "実績", "年月日", "時刻", "単位", "ファイル")
"""One of them stands in every Japanese file."""
_WRONG: Final = (
    ("cp932", "utf-8"),
    ("latin-1", "cp932"),
    ("cp1252", "cp932"),
    ("latin-1", "utf-8"),
    ("cp1252", "utf-8"),
)
"""Ways to destroy them: read in the first encoding what was written in the second."""
_UNUSED: Final = re.compile("[\x00-\x08\x0e-\x1f\x80-\x9f\uf8f0-\uf8f3]")
"""Signs that Python makes of bytes which Shift JIS does not use."""
_LOST: Final = "\ufffd"
"""What stands for signs that could not be decoded."""
_BEGINNING: Final = 60


@dataclass(frozen=True, kw_only=True)
class File:
    """A file, and what was said about it. What it holds is found out when it is asked for."""

    raw: bytes
    name: str = ""
    """Of the file, with its folders or its address where known."""
    region: str | None = None
    """Code of the region that it has to be about; None if it has to say so itself."""
    time_zone: str | None = None
    """IANA name of the clock of times without an offset."""
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.raw.strip(b"\x00\xef\xbb\xbf \t\r\n"):
            raise EmptyFile
        if len(self.raw) > LARGEST:
            raise TooLarge(megabytes=LARGEST // 1_000_000)

    @cached_property
    def text(self) -> str:
        """The text. Raises NotText, Mojibake, WebPage."""
        text = _decoded(self.raw)
        if _PAGE.search(text[:2000]):
            title = _TITLE.search(text)
            raise WebPage(title=" ".join(title[1].split())[:_BEGINNING] if title else "without a title")
        _check_signs(text)
        return text

    @cached_property
    def rows(self) -> list[list[str]]:
        """The rows of a CSV file; none for another kind of text. Raises BrokenDocument."""
        text = self.text
        if text.lstrip().startswith(("<", "{", "[")):  # XML or JSON
            return []
        try:
            return list(csv.reader(io.StringIO(text, newline=""), strict=True))
        except csv.Error as error:
            raise BrokenDocument(line=text.count("\n") + 1) from error

    @cached_property
    def document(self) -> Any:
        """The JSON document."""
        try:
            return json.loads(self.text, parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=_object)
        except json.JSONDecodeError as error:
            raise BrokenDocument(line=error.lineno) from error
        except RecursionError as error:
            raise BrokenDocument(line=1) from error

    @property
    def ends_open(self) -> bool:
        """Whether the last line has no end: what stands there last may be cut."""
        return not self.text.endswith(("\n", "\r"))

    @property
    def beginning(self) -> str:
        """The first signs, for an error."""
        return " ".join(self.text[:400].split())[:_BEGINNING]

    def warn(self, sentence: str) -> None:
        """Note what an operator should know, once."""
        if sentence not in self.warnings:
            self.warnings.append(sentence)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of a JSON document; a name that stands there twice says two things."""
    told = dict(pairs)
    if len(told) < len(pairs):
        raise BrokenDocument(line=1)
    return told


def _decoded(raw: bytes) -> str:
    """Return text in UTF-8, with or without a mark, or in Windows' Shift JIS."""
    if b"\x00" in raw:  # also UTF-16, which spreadsheets call Unicode text
        raise NotText(line=raw.count(b"\n", 0, raw.index(b"\x00")) + 1)
    fits = 0
    for encoding in ("utf-8-sig", "cp932"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError as error:
            fits = max(fits, error.start)
        else:
            if encoding == "utf-8-sig" or not _UNUSED.search(text):
                return text
    raise NotText(line=raw.count(b"\n", 0, fits) + 1)


def _check_signs(text: str) -> None:
    """Refuse a text that was decoded wrongly before it was saved."""
    if _LOST in text:
        at = text.index(_LOST)
        raise Mojibake(seen=" ".join(text[max(at - 10, 0) : at + 10].split()))
    head = text[:1000]
    if head.isascii() or any(word in head for word in _WORDS):
        return
    for wrong, right in _WRONG:
        # Single signs may be lost on the way, so the rest of a line is still looked at.
        mended = head.encode(wrong, "ignore").decode(right, "ignore")
        if any(word in mended for word in _WORDS):
            raise Mojibake(seen=" ".join(head.split())[:20])
