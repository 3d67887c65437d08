"""`konsento computation`: what an operator types, and what comes back."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rig.paths import ROOT

from .test_factors import ROWS, as_workbook
from .test_mix import half_hours, japanese


class Program:
    """The program with a database of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        url = f"sqlite+aiosqlite:///{self.folder / 'computation.sqlite3'}"
        return subprocess.run(
            [sys.executable, "-c", "from konsento.cli import main; main()", "computation", *arguments],
            env=os.environ | {"KONSENTO_COMPUTATION_DATABASE_URL": url, "PYTHONPATH": str(ROOT / "cloud")},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def test_factors_and_mixes_are_imported_and_computed_with(program: Program, tmp_path: Path) -> None:
    table, mix = tmp_path / "list.xlsx", tmp_path / "eria_jukyu_202604_09.csv"
    table.write_bytes(as_workbook(ROWS))
    mix.write_bytes(japanese(half_hours(48), by_end=True, inverted=True, quoted=True, wide=True))

    factors = program("import-factors", str(table))
    assert factors.returncode == 0, factors.stderr
    assert "factors added" in factors.stdout
    assert "row 8: Substituted" in factors.stderr
    assert "(left out)" in factors.stderr
    again = program("import-factors", str(table))
    assert again.stdout.startswith("0 factors added")

    imported = program("import-mix", str(mix))
    assert imported.returncode == 0, imported.stderr
    assert imported.stdout.startswith("JP-A09: 48 half hours added, 0 changed.")
    assert "the file: EndLabels" in imported.stderr
    mix.write_bytes(japanese(half_hours(48), mend=lambda lines: [line.replace(",1300,", ",1301,") for line in lines]))
    reissued = program("import-mix", str(mix))
    assert "0 half hours added, 48 changed" in reissued.stdout
    assert "the file: Reissued" in reissued.stderr

    computed = program("compute")
    assert (computed.returncode, computed.stdout) == (0, "Run 1: 0 Wh in all.\n")
    assert program("rebuild").stdout == "0 half hours have energy.\n"


def test_what_cannot_be_imported_is_said_in_a_sentence(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("a,b\n1,2\n")
    for command, words in (
        (("import-factors", str(file)), "Row 1: no heading"),
        (("import-mix", str(file)), "--region"),
    ):
        refused = program(*command)
        assert refused.returncode in {1, 2}
        assert words in refused.stderr
        assert "Traceback" not in refused.stderr
    wrong_region = program("import-mix", str(file), "--region", "JP-A03")
    assert wrong_region.returncode == 1
    assert "Row 1: the heading has to be start" in wrong_region.stderr
    file.write_text("start,gas\n2026-04-01T00:00Z,1\n")
    assert "There is no region DE" in program("import-mix", str(file), "--region", "DE").stderr
    assert program("import-mix", str(tmp_path / "none.csv")).returncode in {1, 2}
