"""Both schemas, read from their catalogs, and what pages say of their parts.

The project's own migrations run one by one on a PostgreSQL of its own; what has come or changed
with each is noted.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import psycopg2

from scripts.catalog import diff, snapshot
from scripts.catalog.record import Record
from scripts.catalog.snapshot import Snapshot
from tests.support.servers import OwnServer, own_server
from tests.support.workspace import Workspace

ENVIRONMENTS = ("auth", "course")
_OURS = re.compile(r"public\.(schema_migrations|alembic_version)")
_REFERENCES = re.compile(r"FOREIGN KEY \((.+?)\) REFERENCES (.+?)\((.+?)\)(.*)")
_PRIMARY = re.compile(r"PRIMARY KEY \((.+)\)")


class Schema(NamedTuple):
    """A schema, and which migrations have made or changed what."""

    catalog: Snapshot
    made: Mapping[str, Sequence[str]]
    """The versions that have touched a table, a view or a function, by its full name."""

    def of(self, kind: str, parent: str = "") -> list[Record]:
        """Return the objects of a kind that are our own, by position or name."""
        found = [
            one
            for one in self.catalog.records.values()
            if one.kind == kind
            and not _OURS.match(one.parent or one.name)
            and (not parent or one.parent == parent)
        ]
        return sorted(found, key=lambda one: (int(str(one.get("position") or 0)), one.name))


def read(server: OwnServer, environment: str) -> Schema:
    """Run an environment's migrations, and look what each has left."""
    server.query(f"CREATE DATABASE {environment}")
    made: dict[str, list[str]] = {}
    url = server.tcp_url(environment)
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace.make(Path(folder), {environment: url}, server.bin)
        workspace.add_released(environment)
        with closing(psycopg2.connect(url)) as connection:
            before = snapshot.take(connection)
            connection.rollback()
            for path in sorted((workspace.root / "sql" / environment).glob("[0-9]*.sql")):
                version = path.name.partition("_")[0]
                done = workspace.run("migrate", "--database", environment, "--to", version, "-q")
                assert done.returncode == 0, done.stderr
                after = snapshot.take(connection)
                connection.rollback()
                for name in sorted(_touched(before, after)):
                    made.setdefault(name, []).append(version)
                before = after
    return Schema(before, made)


def _touched(before: Snapshot, after: Snapshot) -> set[str]:
    changed = [one.after or one.before for one in diff.compare(before, after)]
    return {one.parent or one.name for one in changed if one}


def primary(schema: Schema, table: Record) -> set[str]:
    """Return the columns of a table's primary key."""
    for one in schema.of("constraint", table.name):
        found = _PRIMARY.match(str(one.get("definition")))
        if found:
            return set(found[1].split(", "))
    return set()


class ForeignKey(NamedTuple):
    """What a table refers to."""

    columns: tuple[str, ...]
    target: str
    """The full name of the other table."""


def foreign(schema: Schema, table: Record) -> list[ForeignKey]:
    """Return a table's foreign keys."""
    found = []
    for one in schema.of("constraint", table.name):
        match = _REFERENCES.match(str(one.get("definition")))
        if match:
            target = match[2] if match[2].startswith("public.") else f"public.{match[2]}"
            found.append(ForeignKey(tuple(match[1].split(", ")), target))
    return found


def referring(keys: Sequence[ForeignKey]) -> dict[str, str]:
    """Return which column leads where: of a key of several the last, which the others narrow."""
    return {key.columns[-1]: key.target for key in keys}


def keyed(schema: Schema, table: Record) -> set[str]:
    """Return the columns of a table's primary key and foreign keys."""
    own = (column for key in foreign(schema, table) for column in key.columns)
    return primary(schema, table) | set(own)


def kind(one: Record) -> str:
    """Return what a relation is, if it is no plain table: a sentence, and a space."""
    if one.get("partition_key"):
        return f"Partitioned by {one.get('partition_key')}. "
    return "" if one.kind == "table" else f"A {one.kind}. "


def parts(schema: Schema, one: Record, *kinds: str) -> list[Record]:
    """Return what a relation has of these kinds; an index of a constraint is the constraint's."""
    found = [part for kind in kinds for part in schema.of(kind, one.name)]
    return [part for part in found if not (part.kind == "index" and part.get("of_constraint"))]


_COMMANDS = {"*": "ALL", "r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE"}


def definition(part: Record) -> str:
    """Return a part's definition on one line."""
    if part.kind == "policy":
        return policy(part)
    text = " ".join(str(part.get("definition") or "").split())
    return re.sub(r"^CREATE (UNIQUE )?INDEX \S+ ON \S+ USING ", lambda found: found[1] or "", text)


def policy(part: Record) -> str:
    """Return for whom a policy is, and which rows they may see and write."""
    roles = part.get("roles")
    names = ", ".join(roles) if isinstance(roles, tuple) else str(roles)
    told = ["" if part.get("permissive") else "AS RESTRICTIVE "]
    told.append(f"FOR {_COMMANDS[str(part.get('command'))]} TO {names}")
    told += [
        f" {word} {part.get(key)}"
        for word, key in (("USING", "using"), ("WITH CHECK", "with_check"))
        if part.get(key)
    ]
    return " ".join("".join(told).split())


def comment(one: Record) -> str:
    """Return what is said of an object, without a full stop."""
    return str(one.get("comment") or "").rstrip(".")


def versions(schema: Schema, name: str) -> str:
    """Return which migrations have made and changed it."""
    first, *later = schema.made.get(name, ["?"])
    return f"Made by {first}" + (f", changed by {', '.join(later)}" if later else "")


def others(schema: Schema) -> list[Record]:
    """Return what is no relation, and is called or named by people: enums and functions."""
    return [*schema.of("enum"), *schema.of("function")]


def about(one: Record) -> str:
    """Return what is said of an enum or a function: its comment, and an enum's values."""
    labels = one.get("labels")
    values = [", ".join(labels).replace("'", "")] if isinstance(labels, tuple) else []
    return ": ".join([comment(one), *values])


OTHERS = "Types and functions"
"""What `others` are called."""


def short(name: str) -> str:
    """Return a full name without its schema, where that is public."""
    return name.removeprefix("public.")


def last(name: str) -> str:
    """Return the last part of a full name, with its quotes."""
    return re.split(r'\.(?=(?:[^"]*"[^"]*")*[^"]*$)', name)[-1]


def node(name: str) -> str:
    """Return a name for diagrams, without quotes."""
    return short(name).strip('"')


def schemas() -> dict[str, Schema]:
    """Read both schemas."""
    with own_server() as server:
        return {environment: read(server, environment) for environment in ENVIRONMENTS}
