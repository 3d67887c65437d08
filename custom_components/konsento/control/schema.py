"""The tables of the journal, and how a file of an earlier version becomes one of this version."""

import sqlite3

VERSION = 3

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
    # 2 → 3: measurements that leave the site (measurements/outbox.py). What was over before stays out of them
    # (`measured` = 0: to be looked at, 1: registered, 2: none wanted).
    """
ALTER TABLE session ADD COLUMN measured INTEGER NOT NULL DEFAULT 0;
UPDATE session SET measured = 2 WHERE phase = 'ended';
CREATE INDEX session_to_measure ON session (id) WHERE phase = 'ended' AND measured = 0;
CREATE TABLE measurement (
    id TEXT PRIMARY KEY, session_id TEXT NOT NULL, outlet TEXT NOT NULL, region TEXT NOT NULL, start TEXT NOT NULL,
    "end" TEXT NOT NULL, wh INTEGER NOT NULL, slices TEXT NOT NULL, power_type TEXT NOT NULL, supplier TEXT NOT NULL,
    "use" TEXT NOT NULL, state TEXT NOT NULL, tried_on TEXT, settled_at TEXT, reason TEXT, detail TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX measurement_in_order ON measurement (state, outlet, start);
CREATE INDEX measurement_of_session ON measurement (session_id);
CREATE INDEX measurement_of_outlet ON measurement (outlet, "end");
CREATE TABLE outlet_reference (
    outlet TEXT NOT NULL, month TEXT NOT NULL, reference TEXT NOT NULL, PRIMARY KEY (outlet, month)
) STRICT, WITHOUT ROWID;
""",
)


def migrate(db: sqlite3.Connection) -> int:
    """Bring a file to this version, each step all or nothing; returns its version, which may be a later one."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    for step in STEPS[version:]:
        version += 1
        db.executescript(f"BEGIN IMMEDIATE; {step} PRAGMA user_version = {version}; COMMIT;")
    return int(version)
