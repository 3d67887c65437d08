"""The command line of the platform and of the computation system."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from konsento.cli import cli
from konsento.kit.errors import KonsentoError

from .test_regions import LIST


class Terminal:
    """A terminal with the settings of an operator."""

    def run(self, *arguments: str) -> str:
        result = CliRunner().invoke(cli, arguments)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    for app in ("PLATFORM", "COMPUTATION"):
        monkeypatch.setenv(f"KONSENTO_{app}_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path / app.lower()}.sqlite3")
    return Terminal()


@pytest.mark.parametrize("app", ["platform", "computation"])
def test_a_token_is_shown_once_listed_by_name_and_ended(terminal: Terminal, app: str) -> None:
    token = terminal.run(app, "token", "add", "tama", "--role", "site", "--region", "JP-13").strip()
    assert token.startswith("ken_")
    listed = terminal.run(app, "token", "list")
    assert "tama\tsite\tJP-13" in listed
    assert token not in listed
    with pytest.raises(KonsentoError, match="token of the name tama already"):
        terminal.run(app, "token", "add", "tama", "--role", "site")
    with pytest.raises(KonsentoError, match="no region JP-99"):
        terminal.run(app, "token", "add", "nowhere", "--role", "site", "--region", "JP-99")
    terminal.run(app, "token", "end", "tama")
    assert "ended" in terminal.run(app, "token", "list")
    with pytest.raises(KonsentoError, match="no token of the name tama"):
        terminal.run(app, "token", "end", "tama")


def test_municipalities_and_suppliers_are_imported_in_either_encoding(terminal: Terminal, tmp_path: Path) -> None:
    for encoding in ("utf-8-sig", "cp932"):
        (tmp_path / "list.csv").write_bytes(LIST.encode(encoding))
        assert "3 municipalities" in terminal.run("platform", "import", "municipalities", str(tmp_path / "list.csv"))
        (tmp_path / "suppliers.csv").write_bytes("登録番号,事業者名\nA0269,東京電力\nA0269,東京電力\n".encode(encoding))
        assert "1 suppliers" in terminal.run("platform", "import", "suppliers", str(tmp_path / "suppliers.csv"))
    assert terminal.run("platform", "token", "add", "setagaya", "--role", "site", "--region", "JP-13112")


@pytest.mark.parametrize("content", [b"\x80\x81\xff", b"", b"nothing\n", b"A0269\n"])
def test_a_file_that_is_none_is_refused_with_its_line(terminal: Terminal, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file.csv").write_bytes(content)
    for what in ("regions", "municipalities", "suppliers"):
        with pytest.raises(KonsentoError, match=r"cannot be taken \(line 1\)"):
            terminal.run("platform", "import", what, str(tmp_path / "file.csv"))


def test_a_wrong_setting_is_named_without_its_value(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KONSENTO_PLATFORM_COMPUTATION_URL", "ftp://secret@nowhere")
    with pytest.raises(KonsentoError, match="KONSENTO_PLATFORM_COMPUTATION_URL") as refused:
        terminal.run("platform", "overview")
    assert "secret" not in str(refused.value)


def test_the_operator_acts_by_hand(terminal: Terminal) -> None:
    assert "0 measurements in 0 deliveries" in terminal.run("platform", "forward", "--form", "sums", "--refused")
    assert "0 deliveries" in terminal.run("platform", "retry")
    terminal.run("platform", "token", "add", "tama", "--role", "site")
    assert "1 sites are asked" in terminal.run("platform", "ask")
    assert '"name": "tama"' in terminal.run("platform", "overview")
