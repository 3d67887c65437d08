"""The tables of the journal, and how a file of an earlier version becomes one of this version."""

import sqlite3

VERSION = 2

STEPS = (
    # 0 → 1
    """
CREATE TABLE session (
    id TEXT PRIMARY KEY, server TEXT NOT NULL, outlet TEXT NOT NULL, phase TEXT NOT NULL, body TEXT NOT NULL,
    changed_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX session_on_outlet ON session (outlet) WHERE phase != 'ended';
CREATE TABLE request (
    server TEXT NOT NULL, remote_start_id INTEGER NOT NULL, session_id TEXT, refusal TEXT, at TEXT NOT NULL,
    PRIMARY KEY (server, remote_start_id)
) STRICT;
CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT, server TEXT NOT NULL, session_id TEXT NOT NULL, seq_no INTEGER NOT NULL,
    body TEXT NOT NULL, UNIQUE (session_id, seq_no)
) STRICT;
CREATE INDEX event_of_server ON event (server, id);
CREATE TABLE closed (server TEXT NOT NULL, evse INTEGER NOT NULL, PRIMARY KEY (server, evse)) STRICT;
""",
    # 1 → 2: tokens are no longer kept; a place for whatever small else must be remembered.
    """
UPDATE session SET body = json_remove(body, '$.id_token', '$.id_token_type');
UPDATE event SET body = json_remove(body, '$.id_token', '$.id_token_type');
CREATE INDEX session_by_time ON session (changed_at);
CREATE TABLE memory (kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, key)) STRICT;
""",
)


def migrate(db: sqlite3.Connection) -> int:
    """Bring a file to this version, each step all or nothing; returns its version, which may be a later one."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    for step in STEPS[version:]:
        version += 1
        db.executescript(f"BEGIN IMMEDIATE; {step} PRAGMA user_version = {version}; COMMIT;")
    return int(version)
