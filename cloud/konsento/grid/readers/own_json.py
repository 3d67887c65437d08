"""Our own layout as JSON: `{"slots": [{"begin": …, "minutes": …, "demand": …}, …]}`.

What is said beside `slots` holds for all of them: `region`, `unit`, `series`, `issued_at`, `currency`, `time_zone`…
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from konsento.grid.errors import NotAWord
from konsento.grid.readers import own
from konsento.grid.readers.cells import shown
from konsento.grid.readers.file import File
from konsento.grid.readers.json_values import mapping, mappings, text
from konsento.grid.reading import Reading

FORMAT: Final = "json"
_SLOTS: Final = "slots"
_ZONE: Final = "time_zone"


def is_it(file: File) -> bool:
    """Tell whether a file is of this layout, by its fields."""
    return file.text.lstrip().startswith("{") and _SLOTS in mapping(file.document)


def read(file: File) -> Reading:
    """Return what the slots say. Raises Unreadable."""
    document = mapping(file.document)
    shared = _said({name: value for name, value in document.items() if name not in {_SLOTS, _ZONE}}, 0)
    if zone := text(document.get(_ZONE)):
        file = replace(file, time_zone=file.time_zone or zone)
    rows = [
        own.Row(line=place, said=shared | _said(one, place))
        for place, one in enumerate(mappings(document[_SLOTS]), start=1)
    ]
    if rows:
        own.check_columns({name for row in rows for name in row.said})
    return own.gathered(file, FORMAT, rows)


def _said(fields: Mapping[str, Any], place: int) -> dict[str, str]:
    for name, value in fields.items():
        if not isinstance(value, str) and value is not None:
            raise NotAWord(line=place, seen=shown(f"{name}: {value!r}"), words='"…", 0, null')
    return {name: value or "" for name, value in fields.items()}
