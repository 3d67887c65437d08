"""The directory: which suppliers there are, at which sites they sell, and how the outlets there are labelled."""

import tomllib
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Annotated, Self
from unicodedata import normalize

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from konsento.kit import handover
from konsento.kit.offers import COMMON_NAME, HIGHEST_EVSE, outlet_name
from konsento.portal.errors import BadDirectory


def _key(text: str) -> str:
    if not handover.is_key(text):
        raise ValueError("a key begins with kps_ and has 47 characters")
    return text


def plain(code: str) -> str:
    """Return a code as it is compared: capitals, without the dashes and spaces that people type."""
    return "".join(c for c in normalize("NFKC", code).upper() if c not in "-‐‑–—_" and not c.isspace())


Name = Annotated[str, Field(min_length=1, max_length=100)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)


class SupplierEntry(_Table):
    """`[[suppliers]]`."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    """Names it in addresses of the portal."""
    name: Name
    url: Annotated[str, Field(max_length=200, pattern=r"^https?://[^/@\s?#]+(/[^@\s?#]*)?[^/@\s?#]$")]
    """Address of its management server's pages, as that server's `KONSENTO_PUBLIC_URL` says it, without a slash."""
    key: Annotated[str, AfterValidator(_key)] | None = None
    """Shared with it, signs links: with it the chosen offer is carried over, and its page leads back here."""


class OutletEntry(_Table):
    """`[[sites.outlets]]`."""

    number: Annotated[int, Field(ge=1, le=HIGHEST_EVSE)]
    """At the site."""
    name: Name
    code: Annotated[str, Field(pattern=r"^[A-Z0-9]{4,16}$")] | None = None
    """What is to be typed from its label; without one only its common name leads to it."""


class SiteEntry(_Table):
    """`[[sites]]`."""

    common_name: Annotated[str, Field(pattern=f"^{COMMON_NAME}$")]
    name: Name
    place: Annotated[str, Field(max_length=200)] = ""
    suppliers: Annotated[tuple[str, ...], Field(min_length=1, max_length=20)]
    """By their ids, in the order in which they are shown where prices are equal."""
    outlets: Annotated[tuple[OutletEntry, ...], Field(max_length=HIGHEST_EVSE)]


class Place:
    """An outlet with all that is known of it."""

    def __init__(self, site: SiteEntry, outlet: OutletEntry, suppliers: tuple[SupplierEntry, ...]) -> None:
        self.site = site
        self.outlet = outlet
        self.suppliers = suppliers
        self.common_name = outlet_name(site.common_name, outlet.number)
        self.code = outlet.code or self.common_name
        """Names it in addresses of the portal."""


class Directory(_Table):
    """A whole file."""

    suppliers: tuple[SupplierEntry, ...]
    sites: tuple[SiteEntry, ...] = ()

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        _once("supplier", (one.id for one in self.suppliers))
        _once("url", (one.url for one in self.suppliers))
        _once("common_name", (one.common_name for one in self.sites))
        _once("code", (plain(one.code) for site in self.sites for one in site.outlets if one.code is not None))
        known = {one.id for one in self.suppliers}
        for site in self.sites:
            _once(f"outlet of {site.common_name}", (str(one.number) for one in site.outlets))
            _once(f"supplier of {site.common_name}", site.suppliers)
            if missing := sorted(set(site.suppliers) - known):
                raise ValueError(f"{site.common_name}: there is no supplier {missing[0]!r}")
        return self

    @cached_property
    def _places(self) -> dict[str, Place]:
        by_id = {one.id: one for one in self.suppliers}
        found: dict[str, Place] = {}
        for site in self.sites:
            suppliers = tuple(by_id[name] for name in site.suppliers)
            for outlet in site.outlets:
                place = Place(site, outlet, suppliers)
                found[place.common_name] = place
                if outlet.code is not None:
                    found[plain(outlet.code)] = place
        return found

    def place(self, code: str) -> Place | None:
        """Return the outlet with this code or common name, however it was typed."""
        return self._places.get(plain(code[:64]))

    @property
    def count(self) -> int:
        """How many outlets there are."""
        return sum(len(site.outlets) for site in self.sites)


def _once(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{what} {name!r} is there twice")
        seen.add(name)


def read(path: Path) -> Directory:
    """Read and check the file. Raises `BadDirectory` with a line for each mistake, never with a value: one is a key."""
    try:
        return Directory.model_validate(tomllib.loads(path.read_text()))
    except OSError as error:
        raise BadDirectory(mistakes=f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadDirectory(mistakes=f"{path}: not TOML: {error}") from error
    except ValidationError as error:
        lines = [
            f"{path}: {'.'.join(str(part) for part in mistake['loc']) or 'file'}: {mistake['msg']}"
            for mistake in error.errors(include_input=False, include_url=False)
        ]
        raise BadDirectory(mistakes="\n".join(lines)) from error
