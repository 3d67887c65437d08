"""`konsento advice check`: what a file is, and which windows a rule finds in it."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from konsento.cli import main

from ..forecasts import sunny

DAY = date(2026, 5, 1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A day of a region, as anybody can write it."""
    lines = ["region,begin,minutes,unit,demand,supply,wind_solar"]
    lines += [
        f"JP-A03,{one.begin.isoformat()},{one.minutes},kWh,{one.demand_kwh},{one.supply_kwh},{one.first_kwh}"
        for one in sunny(DAY)
    ]
    path = tmp_path / "day.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error."""
    monkeypatch.setattr("sys.argv", ["konsento", "advice", "check", *map(str, words)])
    code = 0
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    out, err = capsys.readouterr()
    return code, out, err


def test_a_file_is_read_and_its_windows_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], file: Path
) -> None:
    code, out, _ = run(monkeypatch, capsys, file, "--reference", "5", "--threshold", "30%")

    told: dict[str, Any] = json.loads(out)
    assert code == 0
    assert (told["source"], told["region"], told["date"]) == ("csv", "JP-A03", "2026-05-01")
    assert (told["slots"], told["missing"]) == (48, 0)
    assert (told["surplus_percent_min"], told["surplus_percent_max"]) == (-5.0, 10.0)
    assert told["renewable_share_max"] == 0.4
    assert [(one["start"], one["end"]) for one in told["windows"]] == [("08:00", "16:00")]


@pytest.mark.parametrize(
    ("words", "windows"),
    [
        (["--auto"], 1),
        (["--reference", "-5", "--threshold", "10"], 1),
        (["--reference", "none", "--threshold", "0.8MW"], 1),
        (["--reference", "11"], 0),
        (["--threshold", "1 MW"], 0),
        (["--threshold", "100%peak"], 1),
        (["--shortest", "500"], 0),
    ],
)
def test_the_rule_is_the_one_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    file: Path,
    words: list[str],
    windows: int,
) -> None:
    code, out, _ = run(monkeypatch, capsys, file, *words)

    assert (code, len(json.loads(out)["windows"])) == (0, windows)


def test_what_cannot_be_read_says_why_and_prints_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    page = tmp_path / "yosoku.csv"
    page.write_text("<!doctype html><html><title>Service unavailable</title></html>")

    code, out, err = run(monkeypatch, capsys, page)

    assert (code, out) == (1, "")
    assert err.strip()
    assert run(monkeypatch, capsys, tmp_path / "none.csv")[0] == 1
    assert run(monkeypatch, capsys, page, "--threshold", "much")[0] == 2
    assert run(monkeypatch, capsys, page, "--auto", "--reference", "5")[0] == 2
