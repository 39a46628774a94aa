"""Databases on the server of the tests, and the role that owns them."""

from __future__ import annotations

import contextlib
from contextlib import closing

import psycopg2
from psycopg2 import sql

from scripts.embedded.server import Server

OWNER = "migrator"
ROLES = ("upskill_auth_app", "upskill_course_app")
"""What an administrator creates once on a server: whoever migrates here may not."""


def create_owner(postgres: Server) -> None:
    """Create the role, unless another worker has done so or does so now."""
    with (
        closing(psycopg2.connect(postgres.url("postgres"))) as connection,
        connection.cursor() as cursor,
        contextlib.suppress(psycopg2.errors.DuplicateObject, psycopg2.errors.UniqueViolation),
    ):
        cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(OWNER)))
        for role in ROLES:
            names = sql.Identifier(role), sql.Identifier(OWNER)
            cursor.execute(sql.SQL("CREATE ROLE {} ROLE {}").format(*names))
        connection.commit()


class new_database:  # noqa: N801 - a context manager, used like a function
    """Create a database for a `with` block and drop it after, whoever is still connected."""

    def __init__(self, postgres: Server, name: str) -> None:
        self._postgres = postgres
        self._name = name

    def __enter__(self) -> str:
        # Cloned file by file: 11 ms on a memory file system, a tenth of the default way.
        self._run(f"CREATE DATABASE {{}} OWNER {OWNER} TEMPLATE template0 STRATEGY FILE_COPY")
        return self._postgres.url(self._name).replace("//postgres@", f"//{OWNER}@")

    def __exit__(self, *_: object) -> None:
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)")

    def _run(self, statement: str) -> None:
        with closing(psycopg2.connect(self._postgres.url("postgres"))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql.SQL(statement).format(sql.Identifier(self._name)))
