"""What tests of taking over an earlier ledger share."""

from __future__ import annotations

import hashlib

from tests.support.workspace import Workspace

COURSE = ("--database", "course")
VERSIONS = ("001", "002", "003")
DBMATE = "CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY)"
GOLANG = "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)"
NPM = """CREATE TABLE schema_migrations (id serial PRIMARY KEY, version varchar(50) UNIQUE,
  "fileName" varchar(255) NOT NULL, executed_at timestamp DEFAULT now(),
  rollback text, file_checksum char(64))"""
EXACT = """CREATE TABLE schema_migrations (version varchar(20) PRIMARY KEY, filename text NOT NULL,
  applied_at timestamp NOT NULL, rollback_sql text, checksum text)"""


def migrated(workspace: Workspace) -> Workspace:
    """Write three migrations, two of which another tool has run."""
    for version in VERSIONS:
        workspace.add(
            version,
            f"CREATE TABLE IF NOT EXISTS t_{version} (id int PRIMARY KEY);",
            f"-- DROP TABLE IF EXISTS t_{version};",
        )
    for version in VERSIONS[:2]:
        workspace.query(f"CREATE TABLE t_{version} (id int PRIMARY KEY)")
    return workspace


def note(workspace: Workspace, shape: str, *, checksum: str = "sha256", rollback: str = "") -> None:
    """Write the ledger of an earlier tool."""
    workspace.query(shape)
    for version in VERSIONS[:2]:
        name = f"{version}_step.sql"
        data = (workspace.root / "sql" / "course" / name).read_bytes()
        values = [version, name, f"2024-05-0{version[-1]} 10:00", rollback or down(version)]
        if shape == NPM:
            columns = 'version, "fileName", executed_at, rollback, file_checksum'
        else:
            columns = "version, filename, applied_at, rollback_sql, checksum"
        values.append(hashlib.new(checksum, data).hexdigest())
        given = ", ".join(f"'{one}'" for one in values)
        workspace.query(f"INSERT INTO schema_migrations ({columns}) VALUES ({given})")


def down(version: str) -> str:
    return f"-- as it was noted\nDROP TABLE IF EXISTS t_{version};"


def ledger(workspace: Workspace) -> list[tuple[object, ...]]:
    return workspace.query(
        "SELECT version, filename, (applied_at AT TIME ZONE 'UTC')::text"
        " FROM schema_migrations ORDER BY 1"
    )
