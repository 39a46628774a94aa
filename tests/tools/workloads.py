"""What the benchmark runs: generated histories, and the scripts that others run for the same."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import psycopg2
from psycopg2 import sql

from scripts.embedded.server import Server
from tests.support.workspace import Workspace

TRACKING = "CREATE TABLE tracking (version text PRIMARY KEY, at timestamptz DEFAULT now());\n"
FLOOR = """
import os, psycopg2
connection = psycopg2.connect(os.environ["COURSE_DB_URL"])
cursor = connection.cursor()
cursor.execute("SELECT 1")
connection.close()
"""
"""The least that a client in Python does: import the driver, connect, ask."""
PLAIN = """
import os, sys, psycopg2
connection = psycopg2.connect(os.environ["COURSE_DB_URL"])
cursor = connection.cursor()
for text in open(sys.argv[1]).read().split("-- next\\n"):
    for statement in text.split(";\\n"):
        if statement.strip():
            cursor.execute(statement)
    connection.commit()
"""
"""The driver alone, sending the statements of a script one by one."""


def up(number: int) -> str:
    """Return the UP of one generated migration: three statements, as small ones have."""
    return (
        f"CREATE TABLE IF NOT EXISTS bench_{number:05} (id bigint PRIMARY KEY, name text);\n"
        f"CREATE INDEX IF NOT EXISTS bench_{number:05}_name ON bench_{number:05} (name);\n"
        f"INSERT INTO bench_{number:05} VALUES (1, 'one') ON CONFLICT DO NOTHING;"
    )


def history(folder: Path, postgres: Server, size: int) -> Workspace:
    """Write a project whose course has that many migrations."""
    urls = {"auth": postgres.url("auth"), "course": postgres.url("course")}
    workspace = Workspace.make(folder, urls, postgres.bin)
    for number in range(1, size + 1):
        version = f"{number:05}"
        name = f"{version}_bench"
        down = f"-- DROP TABLE IF EXISTS bench_{version};"
        (folder / "sql/course" / f"{name}.sql").write_text(
            f"-- Migration: {name}.sql\n-- Description: bench\n\n-- UP: Apply\n{up(number)}\n\n"
            f"-- DOWN: Undo\n{down}\n"
        )
        below = f'"{number - 1:05}"' if number > 1 else "None"
        (folder / "course/versions" / f"{name}.py").write_text(
            '"""bench."""\n\nfrom scripts.engine.revision import migration\n\n'
            f'revision = "{version}"\ndown_revision = {below}\n\n'
            "upgrade, downgrade = migration(__file__)\n"
        )
    return workspace


def one_file(folder: Path, postgres: Server, text: str) -> tuple[Workspace, Path]:
    """Write a project with one migration, and the same SQL as a script for psql."""
    urls = {"auth": postgres.url("auth"), "course": postgres.url("course")}
    workspace = Workspace.make(folder, urls, postgres.bin)
    workspace.add("001", text, "-- DROP TABLE IF EXISTS big;")
    script = folder / "plain.sql"
    script.write_text(text)
    return workspace, script


def inserts(count: int) -> str:
    """Return a file of single-row INSERTs, of about 120 bytes each."""
    rows = (
        f"INSERT INTO big (id, name, note) VALUES ({number}, 'name of row {number}', "
        f"'a note of some length, as rows of reference data have, {number}');\n"
        for number in range(count)
    )
    return "CREATE TABLE IF NOT EXISTS big (id int, name text, note text);\n" + "".join(rows)


def one_statement(megabytes: int) -> str:
    """Return a file with one INSERT whose value has that size."""
    value = "0123456789abcdef" * (megabytes << 16)
    return f"CREATE TABLE IF NOT EXISTS big (t text);\nINSERT INTO big VALUES ('{value}');\n"


def upgrades(size: int) -> str:
    """Return what psql runs for a history: one transaction each, with a row that tracks it."""
    return TRACKING + "".join(
        f"BEGIN;\n{up(number)}\nINSERT INTO tracking (version) VALUES ('{number:05}');\nCOMMIT;\n"
        for number in range(1, size + 1)
    )


def downgrades(size: int) -> str:
    """Return what psql runs to undo it."""
    return "".join(
        f"BEGIN;\nDROP TABLE IF EXISTS bench_{number:05};\n"
        f"DELETE FROM tracking WHERE version = '{number:05}';\nCOMMIT;\n"
        for number in range(size, 0, -1)
    )


def recreate(postgres: Server, name: str, template: str = "template0") -> None:
    """Make a database anew."""
    with closing(psycopg2.connect(postgres.url("postgres"))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for text in ("DROP DATABASE IF EXISTS {}", "CREATE DATABASE {} TEMPLATE {}"):
                cursor.execute(sql.SQL(text).format(sql.Identifier(name), sql.Identifier(template)))
            cursor.execute("CHECKPOINT")
