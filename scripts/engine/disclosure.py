"""What people, programs and logs may see of what a server, a library or a file says.

Everything passes through here on its way to a terminal, JSON and the event log. Values of
rows and passwords are removed; names, places and the server's code stay. What is removed here, a
person may ask for on a terminal: `in_full`.

Nearly every module imports this one, and few runs have anything to explain: what reads SQL is
imported where it is used.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import psycopg2

from scripts.errors import MigrationError, printable

if TYPE_CHECKING:
    from scripts.engine.refusal import Refusal
    from scripts.files.migration_file import Section
    from scripts.sqltext.statements import Statement

_SOURCE_WIDTH = 100
"""Characters of a line of source that are shown."""
HOW_TO_SEE = (
    "values are hidden; to see them on a terminal, add --show-values (alembic: -x show_values=true)"
)
"""The last line of what hides values."""


def of_error(
    error: psycopg2.Error, *more: str, sql: str | None = None, names_statement: bool = True
) -> str:
    """Return what the server said: message, SQLSTATE, detail, hint, context; no value, no password.

    Args:
        error: what the driver raised.
        more: lines to be added; empty ones are left out.
        sql: the statement of a file that it is about; None for our own, which quotes no file.
        names_statement: whether a statement of a file is shown in a line of its own.

    Returns:
        For a statement of a file that is one more line: the statement. A constraint that rows break
        has its columns, and a query that finds the rows.
    """
    from scripts.engine import offending_rows, server_message
    from scripts.sqltext import redaction

    message = server_message.of(error, sql)
    shown = [message.headline, *message.parts]
    if (error.pgcode or "").startswith("23") and not message.is_own_text:
        shown += offending_rows.lines(error, sql or "")
    shown += [line for line in more if line]
    if sql is not None and names_statement:
        text = (
            redaction.opening(sql)
            if message.hides_words
            else redaction.shortened(sql, bare=message.is_about_values)
        )
        shown.append(f"statement: {text}")
    text = redaction.masked("\n".join(shown))
    hides = any(line not in text for line in _in_full(error).splitlines())
    return (
        f"{text}\n{HOW_TO_SEE}" if hides and (sql is not None or message.is_about_values) else text
    )


def of_refusal(error: psycopg2.Error, statement: Statement, *more: str) -> Refusal:
    """Return what the server said of a statement of a file; see `of_error`.

    Args:
        error: what the driver raised.
        statement: what was sent.
        more: lines to be added; empty ones are left out.
    """
    from scripts.engine.refusal import Refusal

    source = _source(error, statement)
    said = of_error(error, *more, sql=statement.sql, names_statement=not source)
    headline, _, detail = said.partition("\n")
    return Refusal(headline, detail, source)


def _source(error: psycopg2.Error, statement: Statement) -> str:
    """Lay out the line that the server points at, where nothing of the statement is hidden."""
    from scripts.engine import server_message
    from scripts.sqltext import redaction

    message = server_message.of(error, statement.sql)
    position = int(error.diag.statement_position or 0)
    text = redaction.statement(statement.sql, bare=message.is_about_values)
    if not position or message.hides_words or text != statement.sql:
        return ""
    before, after = statement.text[: position - 1], statement.text[position - 1 :]
    begin = before.rpartition("\n")[2].expandtabs(1)
    line = begin + after.partition("\n")[0].expandtabs(1).rstrip()
    cut = max(len(begin) - _SOURCE_WIDTH // 2, 0)
    number = f"{statement.line_at(position - 1):>4}"
    shown = f"{'…' if cut else ''}{line[cut : cut + _SOURCE_WIDTH]}"
    caret = " " * (len(begin) - cut + bool(cut))
    return f"{number} | {shown}\n     | {caret}^"


def headline(error: psycopg2.Error, sql: str | None = None) -> str:
    """Return the server's message with its SQLSTATE, in a line; see `of_error`."""
    from scripts.engine import server_message
    from scripts.sqltext import redaction

    return redaction.masked(server_message.of(error, sql).headline)


def of_notice(text: str, sql: str) -> str:
    """Return a NOTICE or WARNING as it may be shown, in a line.

    Args:
        text: as the driver gives it: `NOTICE:  …`.
        sql: the statement that it came from.
    """
    from scripts.engine import server_message
    from scripts.sqltext import redaction

    return redaction.masked(server_message.notice(" ".join(text.split()), sql))


def of_parser(message: str, sql: str) -> str:
    """Return what a parser that needs no server says of a statement."""
    from scripts.engine import server_message
    from scripts.sqltext import redaction

    return redaction.masked(server_message.of_parser(message, sql))


def of_library(error: BaseException) -> str:
    """Return the first line of a library's error; the other lines contain SQL and parameters."""
    from scripts.sqltext import redaction

    return redaction.masked(str(error).strip().partition("\n")[0])


def of_exception(error: BaseException) -> str:
    """Return what may be shown of an error of the driver's, or of any other library's."""
    return of_error(error) if isinstance(error, psycopg2.Error) else of_library(error)


def of_text(text: str) -> str:
    """Return a text of an unknown statement without the passwords that can be recognised."""
    from scripts.sqltext import redaction

    return redaction.masked(text)


def is_masked(text: str) -> bool:
    """Tell whether something is hidden in a text."""
    from scripts.engine.server_message import HIDDEN

    return HIDDEN in text


def of_connecting(message: str, passwords: tuple[str | None, ...]) -> str:
    """Return libpq's words on a connection that failed, without these passwords."""
    from scripts.engine.server_message import HIDDEN
    from scripts.sqltext import redaction

    for secret in passwords:
        if secret:
            message = message.replace(secret, HIDDEN)
    return redaction.masked(message)


def of_query(query: str, *, cut: bool) -> str:
    """Return another session's query in one line.

    Args:
        query: as pg_stat_activity has it.
        cut: whether the server may have truncated it: the rest may name a secret.
    """
    from scripts.sqltext import redaction

    return redaction.shortened(query, bare=cut)


def of_statement(sql: str, width: int = 80) -> str:
    """Return a statement of a file, in a line cut to `width` and without secrets."""
    from scripts.sqltext import redaction

    return redaction.shortened(sql, width)


def of_section(section: Section) -> str:
    """Return a section's SQL without secrets, see `of_script`; it is split already."""
    from scripts.sqltext import redaction

    texts = [*(one.text for one in section.statements), section.rest]
    return "".join(redaction.statement(text) for text in texts).strip()


def of_script(sql: str) -> str:
    """Return all SQL without secrets; a word such as `password` affects only its own statement."""
    from scripts.sqltext import redaction, statements
    from scripts.sqltext.lexer import UnterminatedError

    texts: list[str] = []
    with suppress(UnterminatedError):
        texts += (one.text for one in statements.split(sql))
    # Text outside any statement: comments at the end, or after a quote that is not closed.
    texts.append(sql[sum(map(len, texts)) :])
    return "".join(redaction.statement(text) for text in texts).strip()


def for_terminal(error: MigrationError, *, in_full: bool) -> str:
    """Return an error as people see it.

    Args:
        error: ours.
        in_full: add everything that the server said, with values; see `switches.check_terminal`.
    """
    said = _in_full(error) if in_full else ""
    lines = [printable(line) for line in said.splitlines()]
    return "\n".join([str(error), *(["the server said:"] if lines else []), *lines])


def _in_full(error: BaseException) -> str:
    """Return everything that the server said, from the driver's error behind ours."""
    found: BaseException | None = error
    while found is not None:
        cause = getattr(found, "orig", None) or found
        if isinstance(cause, psycopg2.Error):
            return "\n".join(_said(cause)) or str(cause).strip()
        found = found.__cause__ or found.__context__
    return ""


def _said(error: psycopg2.Error) -> list[str]:
    parts = {
        "": error.diag.message_primary,
        "detail: ": error.diag.message_detail,
        "hint: ": error.diag.message_hint,
        "context: ": error.diag.context,
    }
    return [f"{name}{text}" for name, text in parts.items() if text]
