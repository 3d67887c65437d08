"""What one durable commit costs on this machine: the floor under everything that is written before it is told."""

import sqlite3
from contextlib import closing
from pathlib import Path
from time import perf_counter

COMMITS = 500


def commits_ms(folder: Path) -> list[float]:
    """Return how long each of many small commits took, ms, with the settings of both journals (WAL, FULL)."""
    took: list[float] = []
    with closing(sqlite3.connect(folder / "commits.sqlite3", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("CREATE TABLE line (text TEXT)")
        for _ in range(COMMITS):
            began = perf_counter()
            database.execute("INSERT INTO line VALUES (?)", ("x" * 500,))
            took.append((perf_counter() - began) * 1000)
    return took
