"""Describe both schemas from their catalogs: docs/schema/*.md, with a diagram each.

    make docs

The project's own migrations run one by one on a PostgreSQL of its own; what has come or changed
with each is noted.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import psycopg2

sys.path.insert(0, str(Path(__file__).parents[2]))

from scripts.catalog import diff, snapshot
from scripts.catalog.record import Record
from scripts.catalog.snapshot import Snapshot
from tests.support.servers import OwnServer, own_server
from tests.support.workspace import REPOSITORY, Workspace

FOLDER = REPOSITORY / "docs" / "schema"
ENVIRONMENTS = ("auth", "course")
_OURS = re.compile(r"public\.(schema_migrations|alembic_version)")
_REFERENCES = re.compile(r"FOREIGN KEY \((.+?)\) REFERENCES (.+?)\((.+?)\)(.*)")
_PRIMARY = re.compile(r"PRIMARY KEY \((.+)\)")
_PARTS = ("column", "constraint", "index", "trigger", "policy")


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
        for name in (f"sql/{environment}", f"{environment}/versions"):
            target = Path(folder) / name
            for path in sorted((REPOSITORY / name).glob("[0-9]*")):
                (target / path.name).write_bytes(path.read_bytes())
        with closing(psycopg2.connect(url)) as connection:
            before = snapshot.take(connection)
            connection.rollback()
            for path in sorted((REPOSITORY / "sql" / environment).glob("[0-9]*.sql")):
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


def page(environment: str, schema: Schema) -> str:
    """Return the page of a schema."""
    tables = schema.of("table")
    lines = [
        f"# The schema of {environment}",
        "",
        "Written by `make docs` from the catalog; a test fails when it is stale.",
        "",
        f"{len(tables)} tables: {', '.join(_link(one.name) for one in tables)}.",
        "",
        *_diagram(schema, tables),
    ]
    for kind in ("table", "view", "materialized view"):
        for one in schema.of(kind):
            lines += _relation(schema, one)
    functions = schema.of("function")
    if functions:
        lines += ["", "## Functions", ""]
        lines += [
            f"- `{_short(one.name)}` ({_versions(schema, one.name)}) {_comment(one)}".rstrip()
            for one in functions
        ]
    return "\n".join(lines) + "\n"


def _diagram(schema: Schema, tables: Sequence[Record]) -> Iterator[str]:
    """Draw the tables with their keys, as GitHub shows Mermaid."""
    yield "```mermaid"
    yield "erDiagram"
    for table in tables:
        keys = _primary(schema, table) | set(_foreign(schema, table))
        yield f"    {_node(table.name)} {{"
        for column in schema.of("column", table.name):
            name = _last(column.name)
            if name in keys:
                marks = [
                    *(["PK"] if name in _primary(schema, table) else []),
                    *(["FK"] if name in _foreign(schema, table) else []),
                ]
                kind = re.sub(r"[^A-Za-z0-9]+", "_", str(column.get("type")))
                yield f"        {kind} {name.strip(chr(34))} {','.join(marks)}"
        yield "    }"
    for table in tables:
        for columns, target in _foreign(schema, table).items():
            yield f"    {_node(target)} ||--o{{ {_node(table.name)} : {columns.strip(chr(34))}"
    yield "```"


def _primary(schema: Schema, table: Record) -> set[str]:
    for one in schema.of("constraint", table.name):
        found = _PRIMARY.match(str(one.get("definition")))
        if found:
            return set(found[1].split(", "))
    return set()


def _foreign(schema: Schema, table: Record) -> dict[str, str]:
    """Return the tables that columns refer to, by column."""
    found = {}
    for one in schema.of("constraint", table.name):
        match = _REFERENCES.match(str(one.get("definition")))
        if match:
            target = match[2] if match[2].startswith("public.") else f"public.{match[2]}"
            for column in match[1].split(", "):
                found[column] = target
    return found


def _relation(schema: Schema, one: Record) -> list[str]:
    lines = ["", f"## {_short(one.name)}", "", f"{_comment(one)}. {_versions(schema, one.name)}."]
    foreign = _foreign(schema, one)
    lines += ["", "| column | type | | |", "|---|---|---|---|"]
    for column in schema.of("column", one.name):
        name = _last(column.name)
        rules = [
            *(["NOT NULL"] if column.get("not_null") else []),
            *([f"default `{column.get('default')}`"] if column.get("default") else []),
            *([f"→ {_link(foreign[name])}"] if name in foreign else []),
        ]
        cells = (f"`{name}`", f"`{column.get('type')}`", ", ".join(rules), _comment(column))
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    for kind, title in (("constraint", "Keys and checks"), ("index", "Indexes")):
        parts = [
            part
            for part in schema.of(kind, one.name)
            if not (kind == "index" and part.get("of_constraint"))
        ]
        if parts:
            lines += ["", f"{title}:", ""]
            lines += [f"- `{_last(part.name)}` `{_definition(part)}`" for part in parts]
    for kind in ("trigger", "policy"):
        for part in schema.of(kind, one.name):
            lines += ["", f"{kind.capitalize()} `{_last(part.name)}`: `{_definition(part)}`"]
    return lines


def _definition(part: Record) -> str:
    text = " ".join(str(part.get("definition") or "").split())
    return re.sub(r"^CREATE (UNIQUE )?INDEX \S+ ON \S+ USING ", lambda found: found[1] or "", text)


def _comment(one: Record) -> str:
    return str(one.get("comment") or "").rstrip(".")


def _versions(schema: Schema, name: str) -> str:
    first, *later = schema.made.get(name, ["?"])
    return f"Made by {first}" + (f", changed by {', '.join(later)}" if later else "")


def _short(name: str) -> str:
    return name.removeprefix("public.")


def _last(name: str) -> str:
    return re.split(r'\.(?=(?:[^"]*"[^"]*")*[^"]*$)', name)[-1]


def _link(name: str) -> str:
    short = _short(name)
    return f"[{short}](#{short.strip(chr(34)).lower()})"


def _node(name: str) -> str:
    return _short(name).strip('"')


def pages() -> Iterator[tuple[Path, str]]:
    """Make each page; give its path and its text."""
    with own_server() as server:
        for environment in ENVIRONMENTS:
            text = page(environment, read(server, environment))
            yield FOLDER / f"{environment}.md", text


def main() -> None:
    """Write the pages."""
    FOLDER.mkdir(exist_ok=True)
    for path, text in pages():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(REPOSITORY))


if __name__ == "__main__":
    main()
