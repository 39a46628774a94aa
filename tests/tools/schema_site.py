"""Both schemas as one page without network: docs/schema/index.html."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template

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
    parts,
    primary,
    referring,
    short,
    versions,
)
from tests.tools.schema_groups import Group, groups

_TEMPLATE = Path(__file__).with_name("schema_template.html")
_BOX, _ROW, _GAP_X, _GAP_Y, _EDGE = 190, 18, 90, 24, 20
"""Of the diagram, in units of the picture."""


def site(schemas: Mapping[str, Schema]) -> str:
    """Return the page.

    Args:
        schemas: by environment.
    """
    template = Template(_TEMPLATE.read_text(encoding="utf-8"))
    return template.substitute(
        navigation="\n".join(_navigation(schemas)),
        groups="\n".join(
            part for name, schema in schemas.items() for part in _environment(name, schema)
        ),
    )


def _environment(name: str, schema: Schema) -> Iterator[str]:
    for part in groups(name, schema):
        yield _group(name, schema, part)
    sections = "".join(_other(name, schema, one) for one in others(schema))
    yield f'<div class="group">{_title(OTHERS, name)}{sections}</div>'


def _title(title: str, environment: str) -> str:
    return f'<h2>{escape(title)} <span class="soft">{escape(environment)}</span></h2>'


def _group(environment: str, schema: Schema, part: Group) -> str:
    sections = "".join(_section(environment, schema, one) for one in part.relations)
    title = _title(part.title, environment)
    return f'<div class="group">{title}{_diagram(environment, schema, part)}{sections}</div>'


def _other(environment: str, schema: Schema, one: Record) -> str:
    """Return the section of an enum or a function."""
    words = escape(f"{one.kind} {one.name} {about(one)}".lower())
    return (
        f'<section id="{_id(environment, one.name)}" data-text="{words}">'
        f"<h3>{escape(short(one.name))}</h3><p>{escape(about(one))}. "
        f'<span class="soft">{one.kind}. {escape(versions(schema, one.name))}.</span></p></section>'
    )


def _id(environment: str, name: str) -> str:
    return escape(f"{environment}.{node(name)}")


def _navigation(schemas: Mapping[str, Schema]) -> Iterator[str]:
    for name, schema in schemas.items():
        yield f"<h2>{escape(name)}</h2>"
        named = [(part.title, part.relations) for part in groups(name, schema)]
        for title, found in (*named, (OTHERS, others(schema))):
            yield f"<h3>{escape(title)}</h3>"
            for one in found:
                yield f'<a href="#{_id(name, one.name)}">{escape(short(one.name))}</a>'


def _section(environment: str, schema: Schema, one: Record) -> str:
    keys = primary(schema, one)
    references = referring(foreign(schema, one))
    columns = schema.of("column", one.name)
    words = [one.name, comment(one)]
    words += [f"{column.name} {comment(column)}" for column in columns]
    rows = "".join(
        f"<tr><td><code>{escape(last(column.name))}</code></td>"
        f"<td><code>{escape(str(column.get('type')))}</code></td>"
        f"<td>{_rules(environment, column, keys, references)}</td>"
        f"<td>{escape(comment(column))}</td></tr>"
        for column in columns
    )
    listed = "".join(
        f"<li><code>{escape(last(part.name))}</code> <code>{escape(definition(part))}</code></li>"
        for part in parts(schema, one, "constraint", "index", "trigger", "policy")
    )
    origin = f"{environment}. {kind(one)}{versions(schema, one.name)}."
    return (
        f'<section id="{_id(environment, one.name)}" data-text="{escape(" ".join(words).lower())}">'
        f"<h3>{escape(short(one.name))}</h3>"
        f"<p>{escape(comment(one))}. "
        f'<span class="soft">{escape(origin)}</span></p>'
        "<table><thead><tr><th>column</th><th>type</th><th></th><th></th></tr></thead>"
        f"<tbody>{rows}</tbody></table><ul>{listed}</ul></section>"
    )


def _rules(environment: str, column: Record, keys: set[str], references: Mapping[str, str]) -> str:
    name = last(column.name)
    rules = [
        *(["primary key"] if name in keys else []),
        *(["NOT NULL"] if column.get("not_null") and name not in keys else []),
    ]
    if column.get("default"):
        rules.append(f"default <code>{escape(str(column.get('default')))}</code>")
    if name in references:
        target = references[name]
        rules.append(f'→ <a href="#{_id(environment, target)}">{escape(short(target))}</a>')
    return ", ".join(rules)


def _diagram(environment: str, schema: Schema, part: Group) -> str:
    """Draw tables from left to right: what is referred to stands before what refers to it.

    Of those in other groups only the name is there.
    """
    neighbours = part.neighbours(schema)
    tables = [*neighbours, *part.tables]
    ranks = _ranks(schema, tables)
    places: dict[str, tuple[int, int, int]] = {}
    boxes, bottom = [], 0
    for rank in range(max(ranks.values(), default=0) + 1):
        y = _EDGE
        for table in (one for one in tables if ranks[one.name] == rank):
            shown = [] if table in neighbours else sorted(keyed(schema, table))
            height = _ROW * (len(shown) + 1) + 10
            x = _EDGE + rank * (_BOX + _GAP_X)
            places[table.name] = (x, y, height)
            boxes.append(_box(environment, table, shown, (x, y, height)))
            y += height + _GAP_Y
            bottom = max(bottom, y)
    lines = [
        _line(places[target], places[table.name])
        for table in part.tables
        for target in sorted({key.target for key in foreign(schema, table)})
        if target in places and target != table.name
    ]
    width = _EDGE * 2 + (max(ranks.values(), default=0) + 1) * (_BOX + _GAP_X)
    return (
        f'<figure><svg width="{width}" height="{bottom}" role="img" '
        f'aria-label="{escape(part.title)} of {escape(environment)}, with what refers to what">'
        f"{''.join(lines)}{''.join(boxes)}</svg></figure>"
    )


def _ranks(schema: Schema, tables: Sequence[Record]) -> dict[str, int]:
    """Return how far each table stands from those that refer to nothing."""
    ranks = {one.name: 0 for one in tables}
    for _ in tables:  # a circle ends with the number of tables
        for one in tables:
            above = [
                ranks[key.target] + 1
                for key in foreign(schema, one)
                if key.target in ranks and key.target != one.name
            ]
            ranks[one.name] = min(len(tables), max([ranks[one.name], *above]))
    return ranks


def _box(environment: str, table: Record, shown: Sequence[str], place: tuple[int, int, int]) -> str:
    x, y, height = place
    rows = "".join(
        f'<text x="{x + 10}" y="{y + 16 + _ROW * number}">{escape(name)}</text>'
        for number, name in enumerate(shown, start=1)
    )
    return (
        f'<a href="#{_id(environment, table.name)}">'
        f'<rect x="{x}" y="{y}" width="{_BOX}" height="{height}" rx="6"/>'
        f'<text class="title" x="{x + 10}" y="{y + 16}">{escape(short(table.name))}</text>'
        f"{rows}</a>"
    )


def _line(start: tuple[int, int, int], end: tuple[int, int, int]) -> str:
    x1, y1 = start[0] + _BOX, start[1] + 12
    x2, y2 = end[0], end[1] + 12
    middle = (x1 + x2) / 2
    return f'<path d="M {x1} {y1} C {middle} {y1}, {middle} {y2}, {x2} {y2}"/>'
