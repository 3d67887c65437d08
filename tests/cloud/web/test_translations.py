"""Every text that a person reads has a Japanese form: in templates, in calls of `text`, in `marked`, in errors."""

import ast
import string
from collections.abc import Iterator
from pathlib import Path

from babel.messages.pofile import read_po
from jinja2 import Environment
from jinja2.nodes import Call, Const, Name

PACKAGE = Path(__file__).parents[3] / "cloud" / "konsento"
CATALOGUES = PACKAGE / "kit" / "locales" / "ja" / "LC_MESSAGES"


def japanese() -> dict[str, str]:
    """Return the Japanese texts of all catalogues; a text stands in one of them."""
    found: dict[str, str] = {}
    for path in sorted(CATALOGUES.glob("*.po")):
        with path.open("rb") as file:
            texts = {str(m.id): str(m.string) for m in read_po(file, locale="ja") if m.id}
        assert not found.keys() & texts.keys(), f"{path.name} repeats texts of another catalogue"
        found |= texts
    return found


def used() -> dict[str, str]:
    """Return every text and where it is."""
    found: dict[str, str] = {}
    for path in sorted(PACKAGE.rglob("*.html")):
        for text in _in_template(path.read_text()):
            found.setdefault(text, path.name)
    for path in sorted(PACKAGE.rglob("*.py")):
        if "migrations" in path.parts:  # SQL
            continue
        for text in _in_code(ast.parse(path.read_text())):
            found.setdefault(text, str(path.relative_to(PACKAGE)))
    return found


def placeholders(text: str) -> set[str]:
    """Return the names in braces."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def _in_template(source: str) -> Iterator[str]:
    for call in Environment(autoescape=True).parse(source).find_all(Call):
        if isinstance(call.node, Name) and call.node.name == "_":
            assert isinstance(call.args[0], Const), "a translated text is a literal"
            yield call.args[0].value


def _in_code(tree: ast.Module) -> Iterator[str]:
    # SQLAlchemy's `text` is SQL.
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "sqlalchemy"]
    translating = {"text", "marked"} - {name.name for node in imports for name in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            first = node.args[0].value
            if _called(node) in translating and isinstance(first, str):
                yield first
        if isinstance(node, ast.ClassDef):
            yield from _message_of(node)


def _message_of(reason: ast.ClassDef) -> Iterator[str]:
    for line in reason.body:
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name) and line.targets[0].id == "message":
            assert isinstance(line.value, ast.Constant), "the sentence of an error is a literal"
            yield str(line.value.value)


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def test_every_text_has_a_japanese_form() -> None:
    catalogue = japanese()

    missing = {text: place for text, place in used().items() if not catalogue.get(text)}

    assert missing == {}


def test_no_translation_is_left_over() -> None:
    assert set(japanese()) - set(used()) == set()


def test_translations_have_the_same_placeholders() -> None:
    different = {text for text, translated in japanese().items() if placeholders(text) != placeholders(translated)}

    assert different == set()


def test_japanese_is_japanese() -> None:
    plain = {t for t, translated in japanese().items() if not any(ord(c) > 0x2FFF for c in translated)}

    # A product, a fraction and a unit are the same signs in both languages.
    assert plain <= {"{energy} × {price}"}
