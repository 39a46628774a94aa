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
    kind,
    last,
    node,
    others,
    parts,
    primary,
    referring,
    short,
    versions,
)
from tests.tools.schema_groups import Group, groups


def page(environment: str, schema: Schema) -> str:
    """Return the page of a schema."""
    found_groups = groups(environment, schema)
    tables = sum(len(group.tables) for group in found_groups)
    views = sum(len(group.relations) for group in found_groups) - tables
    count = f"{tables} tables" + (f" and {views} views" if views else "")
    lines = [
        f"# The schema of {environment}",
        "",
        "Written by `make docs` from the catalog; a test fails when it is stale.",
        "",
        f"{count}:",
        "",
        *(
            f"- **{group.title}**: {', '.join(_link(one.name) for one in group.relations)}"
            for group in found_groups
        ),
    ]
    for group in found_groups:
        lines += ["", f"## {group.title}", "", *_diagram(schema, group)]
        for one in group.relations:
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
        own = primary(schema, table)
        references = {column for key in foreign(schema, table) for column in key.columns}
        yield f"    {node(table.name)} {{"
        for column in schema.of("column", table.name):
            name = last(column.name)
            marks = [
                *(["PK"] if name in own else []),
                *(["FK"] if name in references else []),
            ]
            if marks:
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
        found = parts(schema, one, listed)
        if found:
            lines += ["", f"{title}:", ""]
            lines += [f"- `{last(part.name)}` `{definition(part)}`" for part in found]
    for part in parts(schema, one, "trigger", "policy"):
        lines += ["", f"{part.kind.capitalize()} `{last(part.name)}`: `{definition(part)}`"]
    return lines


def _link(name: str) -> str:
    return f"[{short(name)}](#{node(name).lower()})"
