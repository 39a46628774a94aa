"""What validate.py finds to be created already is there, on a server that runs the same history."""

from __future__ import annotations

import random
from contextlib import closing

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.checks.tree import source
from scripts.checks.tree.replay import Replay
from scripts.checks.tree.source import Parsed
from scripts.files import migration_file
from scripts.files.sections import Piece

pytestmark = pytest.mark.database
HISTORIES = 400
# Tables, columns and objects that exist already.
DUPLICATE = ("42P07", "42701", "42710")
STATEMENTS = """
CREATE TABLE {ine} {name} (id int, {column} text)
CREATE TABLE {ine} {name} (id int)
CREATE TABLE {ine} {name} () INHERITS ({other})
CREATE TABLE {ine} {name} (id int) PARTITION BY LIST (id)
CREATE TABLE {ine} {name} PARTITION OF {other} DEFAULT
ALTER TABLE {name} ATTACH PARTITION {other} DEFAULT
ALTER TABLE {name} DETACH PARTITION {other}
CREATE TEMP TABLE {ine} {bare} (id int, x text)
CREATE TABLE {ine} {name} AS SELECT 1 AS x
SELECT 1 AS x INTO {name}
CREATE VIEW {name} AS SELECT * FROM {other}
CREATE OR REPLACE VIEW {name} AS SELECT * FROM {other}
CREATE MATERIALIZED VIEW {ine} {name} AS SELECT * FROM {other}
CREATE SEQUENCE {ine} {name}
CREATE SEQUENCE {name} OWNED BY {other}.id
ALTER SEQUENCE {name} OWNED BY {other}.{column}
CREATE TYPE {schema}{letter}_t AS ENUM ('a')
CREATE DOMAIN {schema}{letter}_t AS text
DROP TYPE {ie} {schema}{letter}_t {cascade}
ALTER TYPE {schema}{letter}_t RENAME TO a_t
ALTER TYPE {schema}{letter}_t SET SCHEMA s
ALTER TABLE {name} ADD COLUMN {ine} {column} text
ALTER TABLE {name} ADD COLUMN {ine} {column} {letter}_t
ALTER TABLE {name} ADD {column} text, DROP COLUMN IF EXISTS y
ALTER TABLE {name} DROP COLUMN {ie} {column} {cascade}
ALTER TABLE {ie} {name} RENAME {column} TO y
ALTER TABLE {ie} {name} RENAME TO {bare}
ALTER VIEW {ie} {name} RENAME TO {bare}
ALTER SEQUENCE {ie} {name} RENAME TO {bare}
ALTER TABLE {ie} {name} SET SCHEMA s
ALTER TABLE {ie} {name} SET SCHEMA public
DROP TABLE {ie} {name}, {other} {cascade}
DROP TABLE {ie} {name} {cascade}
DROP VIEW {ie} {name} {cascade}
DROP MATERIALIZED VIEW {ie} {name} {cascade}
DROP SEQUENCE {ie} {name} {cascade}
SET search_path = s, public
RESET search_path
DROP SCHEMA s CASCADE; CREATE SCHEMA s
ALTER SCHEMA s RENAME TO r; CREATE SCHEMA s; DROP SCHEMA r CASCADE
""".strip().splitlines()


def some(choice: random.Random) -> str:
    schema = choice.choice(["", "", "", "s.", "public."])
    bare = choice.choice(["a", "b", "c", '"A"'])
    return choice.choice(STATEMENTS).format(
        schema=schema,
        bare=bare,
        name=schema + choice.choice(["a", "b", "c", '"A"']),
        other=choice.choice(["", "s."]) + choice.choice(["a", "b", "c"]),
        letter=choice.choice("abc"),
        column=choice.choice("xy"),
        ine=choice.choice(["", "IF NOT EXISTS"]),
        ie=choice.choice(["", "IF EXISTS"]),
        cascade=choice.choice(["", "CASCADE"]),
    )


def run(connection: Connection, sql: str) -> bool | None:
    """Run SQL; tell whether it made what was there, None where it failed for another reason."""
    connection.notices.clear()
    with connection.cursor() as cursor:
        try:
            cursor.execute(sql)
        except psycopg2.Error as error:
            return True if error.pgcode in DUPLICATE else None
    return any("already exists, skipping" in notice for notice in connection.notices)


def one_file(connection: Connection, choice: random.Random) -> list[tuple[Parsed, bool]]:
    """Run a few statements; return those that can be in a file, and which made what was there."""
    run(connection, "DISCARD ALL")
    ran = []
    for _ in range(choice.randint(1, 4)):
        sql = some(choice) + ";"
        again = run(connection, sql)
        if again is not None:
            section = migration_file.section(Piece(sql, 1))
            ran += [(parsed, again) for parsed in source._parsed(section)]
    return ran


def test_what_is_said_to_be_there_is_there(database: str) -> None:
    said = 0
    with closing(psycopg2.connect(database)) as connection:
        connection.autocommit = True
        for seed in range(HISTORIES):
            choice, replay = random.Random(seed), Replay()
            run(connection, "DROP SCHEMA IF EXISTS s CASCADE; DROP SCHEMA public CASCADE;")
            run(connection, "CREATE SCHEMA public; CREATE SCHEMA s;")
            for version in range(12):
                ran = one_file(connection, choice)
                found = list(replay.run(f"{version:03}", [parsed for parsed, _ in ran]))
                said += len(found)
                there = [parsed.statement for parsed, again in ran if again]
                wrong = [parsed.statement for parsed, _ in found if parsed.statement not in there]
                assert wrong == [], f"seed {seed}, file {version}"
    assert said > HISTORIES
