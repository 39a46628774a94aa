"""Format and syntax: every statement in PostgreSQL's own grammar, bodies of plpgsql included."""

from __future__ import annotations

import re
from collections.abc import Iterator

import postgast

from scripts.checks.finding import Finding
from scripts.checks.tree.source import Parsed, Source
from scripts.engine import disclosure
from scripts.sqltext import lexer, prose
from scripts.sqltext.lexer import Kind

_NEAR = re.compile(r'at or near "(.+?)"', re.DOTALL)
# What a statement may begin with, and hardly anything else does.
_COMMAND = re.compile(
    r"\s*(?:ALTER|ANALYZE|CALL|COMMENT|CREATE|DELETE|DO|DROP|GRANT|INSERT|MERGE|REFRESH|REINDEX"
    r"|REVOKE|SELECT|SET|TRUNCATE|UPDATE|VACUUM|WITH)\b",
    re.IGNORECASE,
)
_LINE = re.compile(r"compilation of PL/pgSQL function .* near line (\d+)")


def check(source: Source) -> Iterator[Finding]:
    """Find what breaks the format or the grammar."""
    problem, file = source.problem, source.file
    if problem:
        yield source.finding(problem.code, problem.what, line=problem.line, hint=problem.hint)
    if file and file.header.migration and file.header.migration != source.entry.filename:
        yield source.finding(
            "header-name",
            f"the header names another file: 'Migration: {file.header.migration}'",
            line=1,
            hint=f"if it is not released yet, write '-- Migration: {source.entry.filename}'",
        )
    for parsed in source.statements:
        if parsed.error:
            yield _syntax(source, parsed, parsed.error)
        elif parsed.kind in ("create_function_stmt", "do_stmt"):
            yield from _body(source, parsed)
    yield from _by_chance(source)


def _by_chance(source: Source) -> Iterator[Finding]:
    """Find sentences that are SQL by chance, which a run refuses."""
    for parsed in source.down if source.commented_down else ():
        if not parsed.error and prose.by_chance(parsed.statement):
            refusal = prose.refusal(parsed.statement, parsed.statement.body)
            yield source.finding(refusal.code, refusal.what, line=refusal.line, hint=refusal.hint)


def _syntax(source: Source, parsed: Parsed, error: postgast.PgQueryError) -> Finding:
    text = parsed.statement.text
    at = prose.place(parsed.statement, error.cursorpos)
    line = parsed.statement.line_at(at)
    before = text[text.rfind("\n", 0, at) + 1 : at]
    is_prose = source.commented_down and parsed in source.down
    return source.finding(
        "syntax",
        disclosure.of_parser(error.message, parsed.statement.sql),
        line=line,
        column=source.column(line, text[at - len(before) :].partition("\n")[0], len(before)),
        hint=prose.WAY_OUT
        if is_prose and not prose.begins_like_sql(parsed.statement)
        else _hint(parsed, at - len(before)),
    )


def _hint(parsed: Parsed, start: int) -> str:
    """Suggest a missing semicolon where the lines before the error are a complete statement.

    Args:
        parsed: the statement with the error.
        start: where the error's line begins in its text.
    """
    statement = parsed.statement
    ahead = prose.without_comments(statement.text[:start]).rstrip()
    if len(ahead) > statement.body and _COMMAND.match(statement.text, start):
        try:
            postgast.parse(ahead)
        except postgast.PgQueryError:
            pass
        else:
            return f"is a `;` missing at the end of line {statement.line_at(len(ahead))}?"
    return "PostgreSQL 18 does not accept this; the mistake is here or just before"


def _body(source: Source, parsed: Parsed) -> Iterator[Finding]:
    text = parsed.statement.text
    if "plpgsql" not in text.lower() and parsed.kind != "do_stmt":
        return
    try:
        postgast.parse_plpgsql(text)
    except postgast.PgQueryError as error:
        place = _LINE.match(error.context or "")
        # Without a catalog the parser cannot look up every type: the file is not wrong.
        if place:
            yield _in_body(source, parsed, error.message, int(place[1]))
    except ValueError:
        return  # libpg_query writes some functions' trees as broken JSON: they have been parsed


def _in_body(source: Source, parsed: Parsed, message: str, number: int) -> Finding:
    """Find line and column: the parser counts lines from the opening quote, without columns."""
    statement = parsed.statement
    begin = next(
        (
            token.start
            for token in lexer.tokens(statement.text)
            if token.kind in (Kind.DOLLAR_STRING, Kind.STRING)
        ),
        statement.body,
    )
    first = statement.line_at(begin)
    lines = statement.text[begin:].split("\n")
    word = _NEAR.search(message)
    at = number - 1
    if word:
        at = next(
            (index for index, text in enumerate(lines) if index >= at and word[1] in text), at
        )
    text = lines[at] if at < len(lines) else ""
    column = text.find(word[1]) if word else -1
    return source.finding(
        "plpgsql-syntax",
        disclosure.of_parser(message, statement.sql),
        line=first + at,
        column=source.column(first + at, text, column) if at and column >= 0 else 0,
        hint="PostgreSQL would reject it when the block runs"
        if parsed.kind == "do_stmt"
        else "PostgreSQL would reject it when the function is created or first called",
    )
