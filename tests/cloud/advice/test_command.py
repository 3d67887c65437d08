"""`konsento advice check`: what a file is, and which windows a rule finds in it."""

import json
import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from konsento.cli import main

from ..forecasts import sunny

DAY = date(2026, 5, 1)


def table(path: Path, *days: date, region: str = "JP-A03", leave_out: int = 0) -> Path:
    """Write days of a region, as anybody can."""
    slots = [one for day in days for one in sunny(day)]
    lines = ["region,begin,minutes,unit,demand,supply,wind_solar"]
    lines += [
        f"{region},{one.begin.isoformat()},{one.minutes},kWh,{one.demand_kwh},{one.supply_kwh},{one.first_kwh}"
        for one in slots[: len(slots) - leave_out]
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A day of a region."""
    return table(tmp_path / "day.csv", DAY)


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
    assert told["windows"] == [
        {
            "start": "08:00",
            "end": "16:00",
            "start_at": "2026-05-01T08:00:00+09:00",
            "end_at": "2026-05-01T16:00:00+09:00",
        }
    ]


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


def test_of_several_days_the_last_whole_one_is_taken_and_the_others_are_what_is_usual(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    days = table(tmp_path / "days.csv", *(DAY - timedelta(days=back) for back in reversed(range(4))))

    taken = json.loads(run(monkeypatch, capsys, days)[1])
    assert taken["date"] == "2026-05-01"
    assert "which --date names: 2026-04-28, 2026-04-29, 2026-04-30." in taken["warnings"][-1]
    part = table(tmp_path / "part.csv", DAY - timedelta(days=1), DAY, leave_out=1)
    assert json.loads(run(monkeypatch, capsys, part)[1])["date"] == "2026-04-30"
    code, out, err = run(monkeypatch, capsys, days, "--date", "2026-05-02")
    assert (code, out) == (1, "")
    assert "2026-05-02, but about: 2026-04-28, 2026-04-29, 2026-04-30, 2026-05-01." in err

    last = json.loads(run(monkeypatch, capsys, days, "--date", "2026-05-01")[1])
    first = json.loads(run(monkeypatch, capsys, days, "--date", "2026-04-28")[1])
    assert (last["history_days"], first["history_days"], last["slots"]) == (3, 0, 48)
    assert last["reference_percent"] == first["reference_percent"] == -5.0


def test_the_days_of_a_region_nobody_knows_need_a_clock(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    elsewhere = table(tmp_path / "day.csv", DAY, region="US-TEX")

    code, out, err = run(monkeypatch, capsys, elsewhere)
    assert (code, out) == (1, "")
    assert "--time-zone" in err
    told = json.loads(run(monkeypatch, capsys, elsewhere, "--time-zone", "Asia/Tokyo")[1])
    assert (told["region"], told["time_zone"], told["date"]) == ("US-TEX", "Asia/Tokyo", "2026-05-01")
    assert run(monkeypatch, capsys, elsewhere, "--time-zone", "Mars")[0] == 2


def test_nothing_is_recommended_from_a_day_of_which_too_much_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    part = table(tmp_path / "day.csv", DAY, leave_out=7)

    code, out, _ = run(monkeypatch, capsys, part)

    told = json.loads(out)
    assert (code, told["missing"], told["windows"], told["reason"]) == (0, 7, [], "too_much_missing")


def test_it_needs_neither_settings_nor_a_database(file: Path) -> None:
    program = (
        "import sys; from konsento.cli import main\n"
        f"sys.argv = ['konsento', 'advice', 'check', {str(file)!r}]\n"
        "main.__globals__['cli'](standalone_mode=False)\n"
        "assert 'sqlalchemy' not in sys.modules, 'slow to load'"
    )
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "KONSENTO_DATABASE_URL": "nonsense"}

    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["region"] == "JP-A03"
