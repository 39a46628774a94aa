"""A page in Markdown for each schema."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scripts.catalog.record import Record
from tests.tools.schema_catalog import (
    OTHERS,
    Schema,
    about,
    comment,
    definition,
    foreign,
    keyed,
    kind,
    last,
    node,
    others,
    primary,
    referring,
    short,
    versions,
)
from tests.tools.schema_groups import Group, groups


def page(environment: str, schema: Schema) -> str:
    """Return the page of a schema."""
    parts = groups(environment, schema)
    tables = sum(len(part.tables) for part in parts)
    views = sum(len(part.relations) for part in parts) - tables
    count = f"{tables} tables" + (f" and {views} views" if views else "")
    lines = [
        f"# The schema of {environment}",
        "",
        "Written by `make docs` from the catalog; a test fails when it is stale.",
        "",
        f"{count}:",
        "",
        *(
            f"- **{part.title}**: {', '.join(_link(one.name) for one in part.relations)}"
            for part in parts
        ),
    ]
    for part in parts:
        lines += ["", f"## {part.title}", "", *_diagram(schema, part)]
        for one in part.relations:
            lines += _relation(schema, one)
    named = others(schema)
    if named:
        lines += ["", f"## {OTHERS}", ""]
        lines += [
            f"- {one.kind} `{short(one.name)}` ({versions(schema, one.name)}) {about(one)}".rstrip()
            for one in named
        ]
    return "\n".join(lines) + "\n"


def _diagram(schema: Schema, group: Group) -> Iterator[str]:
    """Draw the tables with their keys, as GitHub shows Mermaid; those of other groups by name."""
    tables = group.tables
    yield "```mermaid"
    yield "erDiagram"
    for table in tables:
        keys, own = keyed(schema, table), foreign(schema, table)
        references = {column for key in own for column in key.columns}
        yield f"    {node(table.name)} {{"
        for column in schema.of("column", table.name):
            name = last(column.name)
            if name in keys:
                marks = [
                    *(["PK"] if name in primary(schema, table) else []),
                    *(["FK"] if name in references else []),
                ]
                written = re.sub(r"[^A-Za-z0-9]+", "_", str(column.get("type")))
                yield f"        {written} {name.strip(chr(34))} {','.join(marks)}"
        yield "    }"
    yield from (f"    {node(one.name)}" for one in group.neighbours(schema))
    for table in tables:
        for key in foreign(schema, table):
            name = key.columns[-1].strip('"')
            yield f"    {node(key.target)} ||--o{{ {node(table.name)} : {name}"
    yield "```"


def _relation(schema: Schema, one: Record) -> list[str]:
    lines = [
        "",
        f"### {short(one.name)}",
        "",
        f"{comment(one)}. {kind(one)}{versions(schema, one.name)}.",
    ]
    references = referring(foreign(schema, one))
    lines += ["", "| column | type | | |", "|---|---|---|---|"]
    for column in schema.of("column", one.name):
        name = last(column.name)
        rules = [
            *(["NOT NULL"] if column.get("not_null") else []),
            *([f"default `{column.get('default')}`"] if column.get("default") else []),
            *([f"→ {_link(references[name])}"] if name in references else []),
        ]
        cells = (f"`{name}`", f"`{column.get('type')}`", ", ".join(rules), comment(column))
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    for listed, title in (("constraint", "Keys and checks"), ("index", "Indexes")):
        parts = [
            part
            for part in schema.of(listed, one.name)
            if not (listed == "index" and part.get("of_constraint"))
        ]
        if parts:
            lines += ["", f"{title}:", ""]
            lines += [f"- `{last(part.name)}` `{definition(part)}`" for part in parts]
    for listed in ("trigger", "policy"):
        for part in schema.of(listed, one.name):
            lines += ["", f"{listed.capitalize()} `{last(part.name)}`: `{definition(part)}`"]
    return lines


def _link(name: str) -> str:
    return f"[{short(name)}](#{node(name).lower()})"
