"""What operators type into the form of a data source, read into what the sources' domain takes."""

from pydantic import BaseModel

from konsento.feeds.errors import BadInterval
from konsento.feeds.presets import Preset
from konsento.feeds.sources import LEAST_EVERY_S, MOST_EVERY_S, WantedSource
from konsento.kit import typed
from konsento.kit.i18n import Language
from konsento.models import GridSource


class SourceForm(BaseModel):
    """A source, as typed."""

    name: str = ""
    format: str = "jp_area"
    region: str = ""
    """Empty: its files say it."""
    url: str = ""
    folder: str = ""
    key: str = ""
    """Empty: the one that it has stays."""
    no_key: bool = False
    """It has none any more."""
    minutes: str = "60"
    stale_hours: str = "36"

    @staticmethod
    def of(source: GridSource) -> SourceForm:
        """Return the form as it stands for a source; its key stays where it is."""
        return SourceForm(
            name=source.name,
            format=source.format,
            region=source.region or "",
            url=source.url,
            folder=source.folder,
            minutes=_shown(source.every_s, 60),
            stale_hours=_shown(source.stale_after_s, 3600),
        )

    @staticmethod
    def preset(language: Language, preset: Preset) -> SourceForm:
        """Return the form with what a publisher had."""
        return SourceForm(
            name=preset.name_ja if language.code == "ja" else preset.name_en,
            format=preset.format,
            region=preset.region or "",
            url=preset.url,
            minutes=_shown(preset.every_s, 60),
            stale_hours=_shown(preset.stale_after_s, 3600),
        )

    def wanted(self) -> WantedSource:
        """Read it. Raises `BadInterval`."""
        return WantedSource(
            name=self.name,
            format=self.format,
            region=self.region or None,
            url=self.url,
            folder=self.folder,
            every_s=_seconds(self.minutes, 60),
            stale_after_s=_seconds(self.stale_hours, 3600),
        )

    @property
    def secret(self) -> str | None:
        """The key, None for the one that it has."""
        return "" if self.no_key else self.key.strip() or None


def _shown(seconds: int, unit: int) -> str:
    """Return a time in a unit, with the decimals that it needs."""
    return f"{seconds / unit:.4f}".rstrip("0").rstrip(".")


def _seconds(text: str, unit: int) -> int:
    number = typed.number(text)
    if number is None:
        raise BadInterval(least=LEAST_EVERY_S // 60, most=MOST_EVERY_S // 86_400)
    return int(number * unit)
