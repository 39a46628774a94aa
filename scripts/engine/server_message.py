"""Splits a message of the server into what is shown and what may be a value.

What is decided goes by SQLSTATE and the fields of the diagnostics, and not by the text, which the
server may have translated: https://www.postgresql.org/docs/current/protocol-error-fields.html
"""

from __future__ import annotations

import re
from typing import NamedTuple

import psycopg2
from psycopg2.extensions import Diagnostics

from scripts.sqltext import redaction, telling

HIDDEN = "***"
_FREE_TEXT = "(the text of a RAISE, hidden as it may quote a value)"
_OF_VALUES = ("22", "23", "44")
"""Data, integrity, WITH CHECK OPTION: what these quote is a value."""
_KEPT_DETAILS = ("22003",)
"""Numeric overflow: its detail has precision and scale, and not the number."""
_OF_NAMES = ("42P07", "42710", "42701", "2BP01")
"""An object exists already, or others depend on it; the server may have generated the name."""
# The C files behind RAISE and its like; the code that it raises with may be any.
_OTHER_LANGUAGES = re.compile(r"plpy_|plperl|pltcl|plv8")
_RAISES = ("exec_stmt_raise", "exec_stmt_assert")
_QUOTED = re.compile(r'"([^"]*)"|»([^«]*)«|«\s?([^»]*?)\s?»|„([^“”]*)[“”]|“([^”]*)”')
_ENDS = '"»«”“„'
# Translated, but of one shape: `PL/pgSQL function f(integer) line 3 at EXECUTE`. Other lines of a
# context quote SQL that was put together at run time, or a line of data.
_FRAME = re.compile(
    r"PL/pgSQL\W?\w* (?:inline_code_block|[\w.\"]+\([\w, .\[\]\"]*\)) \w+ \d+ .{1,60}"
    r"|SQL\W?\w* \W[\w.]+\W \w+ \d+"
)
_DEFINES = re.compile(
    r"\s*(?:CREATE|ALTER|DROP|COMMENT|GRANT|REVOKE|SET|RESET|LOCK|SECURITY|REASSIGN|BEGIN|COMMIT"
    r"|TRUNCATE|VACUUM|ANALYZE|CLUSTER|REINDEX)\b",
    re.IGNORECASE,
)
# Definitions for which the server computes something for each existing row.
_DEFINES_FROM_ROWS = re.compile(
    r"\s*(?:ALTER\s+(?:TABLE|DOMAIN)\b.*\b(?:USING|DEFAULT|GENERATED|CHECK|VALIDATE|UNIQUE|KEY"
    r"|EXCLUDE|ATTACH)\b|CREATE\s+(?:UNIQUE\s+)?INDEX\b|CREATE\s+MATERIALIZED\b"
    r"|CREATE\s+(?:\w+\s+){0,2}TABLE\b.*\bAS\b)",
    re.IGNORECASE | re.DOTALL,
)
_SKIPPING = re.compile(
    r'\w+: [a-z ]+ "([^"]*)"(?: of relation "([^"]*)")? (?:already exists|does not exist), skipping'
)


class Message(NamedTuple):
    """What is shown of an error."""

    headline: str
    """The message, with its SQLSTATE."""
    parts: tuple[str, ...]
    """Detail, hint and context, each behind its name, where they may be shown."""
    is_own_text: bool
    """Whether the words are those of a function or DO block."""
    is_about_values: bool
    """Whether a value was refused: it may be one of the statement's own."""
    hides_words: bool
    """Whether an unquoted word may be a secret whose quotes were forgotten."""


def of(error: psycopg2.Error, sql: str | None) -> Message:
    """Take an error of the server's, or of libpq's, apart.

    Args:
        error: what the driver raised.
        sql: the statement of a file that it is about; None for our own, which quotes no file.
    """
    code = error.pgcode or ""
    if _is_own_text(error.diag, code):
        return _raised(error, sql or "")
    kept = not code.startswith((*_OF_VALUES, "P0")) or code in _KEPT_DETAILS
    detail = error.diag.message_detail or "" if kept else ""
    return Message(
        headline=_with_code(_headline(error, sql), code),
        parts=_named(
            detail=_without_values(detail, code, sql, error.diag),
            hint=error.diag.message_hint or "",
            context=_context(error.diag),
        ),
        is_own_text=False,
        is_about_values=code.startswith(_OF_VALUES),
        hides_words=_is_syntax_beside_a_secret(code, sql),
    )


def _raised(error: psycopg2.Error, sql: str) -> Message:
    """Take apart what a RAISE or its like says: as far as its words stand in the file."""
    said = error.diag
    texts = [
        _own_text(text, sql) if text else ""
        for text in (said.message_primary, said.message_detail, said.message_hint)
    ]
    headline, *others = texts
    detail, hint = ("" if text.endswith(_FREE_TEXT) else text for text in others)
    return Message(
        headline=_with_code(headline, error.pgcode or ""),
        parts=_named(detail=detail, hint=hint, context=_context(said)),
        is_own_text=True,
        is_about_values=any(HIDDEN in text for text in texts),
        hides_words=False,
    )


def _with_code(text: str, code: str) -> str:
    return f"{text} [{code}]" if code else text


def _named(**parts: str) -> tuple[str, ...]:
    return tuple(f"{name}: {part}" for name, part in parts.items() if part)


def notice(text: str, sql: str) -> str:
    """Return a NOTICE or WARNING as it may be shown.

    The driver gives its text alone, without a code. Most are RAISE's, so one is shown where it is
    a string of the statement, with *** for what `%` stood for, or a definition's own.

    Args:
        text: as the driver gives it, on one line.
        sql: the statement that it came from.
    """
    skipped, visible = _SKIPPING.fullmatch(text), redaction.statement(sql)
    if skipped and all(_is_known(name, visible, ()) for name in skipped.groups() if name):
        return text
    if not _reads_rows(sql):
        return of_parser(text, sql)
    level, _, said = text.partition(": ")
    return f"{level}: {_own_text(said, sql)}"


def of_parser(message: str, sql: str) -> str:
    """Return what a parser says of a statement: what it quotes may be a secret without quotes."""
    return _without_quotes(message, "", ()) if telling.found(sql) else message


def _headline(error: psycopg2.Error, sql: str | None) -> str:
    code, message = error.pgcode or "", error.diag.message_primary or str(error).strip()
    if code.startswith("22") or _is_syntax_beside_a_secret(code, sql):
        return _without_quotes(message, "", ())
    if code.startswith(_OF_VALUES):
        visible = redaction.statement(sql or "", bare=True)
        return _without_quotes(message, visible, _names(error.diag))
    return _without_values(message, code, sql, error.diag)


def _is_syntax_beside_a_secret(code: str, sql: str | None) -> bool:
    return code == "42601" and sql is not None and telling.found(sql)


def _is_own_text(diagnostics: Diagnostics, code: str) -> bool:
    """Tell whether the words are those of a function or DO block, under whatever code.

    INTO STRICT that found no row, or several, says so in words of the server's.
    """
    raised = diagnostics.source_function in _RAISES
    other = _OTHER_LANGUAGES.search(diagnostics.source_file or "") is not None
    return raised or other or (code.startswith("P0") and code not in ("P0002", "P0003"))


def _own_text(message: str, sql: str) -> str:
    """Return the string of the statement that a text was made of, with *** for what was put in."""
    if not telling.found(sql):
        for known in redaction.strings(sql):
            parts = _formatted(known)
            pattern = ".*".join(re.escape(part) for part in parts)
            if any(part.strip() for part in parts) and re.fullmatch(pattern, _line(message)):
                return HIDDEN.join(parts)
    return f"{HIDDEN} {_FREE_TEXT}"


def _formatted(text: str) -> list[str]:
    """Cut a format of RAISE at its `%`; `%%` is one that is meant."""
    return [part.replace("\0", "%") for part in _line(text).replace("%%", "\0").split("%")]


def _line(text: str) -> str:
    return " ".join(text.split())


def _reads_rows(sql: str) -> bool:
    return not _DEFINES.match(sql) or _DEFINES_FROM_ROWS.match(sql) is not None


def _context(diagnostics: Diagnostics) -> str:
    lines = (diagnostics.context or "").splitlines()
    return "\n".join(line for line in lines if _FRAME.fullmatch(line))


def _without_values(text: str, code: str, sql: str | None, diagnostics: Diagnostics) -> str:
    """Hide what a text may have from rows or secrets: a statement made at run time quotes both."""
    if sql is None or not (diagnostics.context or telling.found(sql) or _reads_rows(sql)):
        return text
    if code in _OF_NAMES and not diagnostics.context:
        return text
    visible = redaction.statement(sql)
    text = _without_quotes(text, visible, _names(diagnostics))
    lines = (diagnostics.context or "").splitlines()
    spoken = _inside("\n".join(line for line in lines if not _FRAME.fullmatch(line)))
    made = f"{diagnostics.internal_query or ''} {spoken}"
    known = set(re.findall(r"\w+", visible.lower()))
    foreign = {word for word in re.findall(r"\w+", made) if word.lower() not in known}
    return re.sub(r"\w+", lambda word: HIDDEN if word[0] in foreign else word[0], text)


def _inside(text: str) -> str:
    """Return what stands between the first quote and the last."""
    marks = [place for place, one in enumerate(text) if one in _ENDS]
    return text[marks[0] + 1 : marks[-1]] if marks else ""


def _without_quotes(text: str, visible: str, names: tuple[str, ...]) -> str:
    """Hide what a message quotes, from the first that is no known name to the last quote.

    A value may contain quotes, so its end is unknown.

    Args:
        text: the message.
        visible: the statement, as it is shown: what it has need not be hidden.
        names: what is known beside it.
    """
    for match in _QUOTED.finditer(text):
        piece = next(group for group in match.groups() if group is not None)
        if not _is_known(piece, visible, names):
            last = max(text.rfind(mark) for mark in _ENDS)
            return f'{text[: match.start()]}"{HIDDEN}"{text[last + 1 :]}'
    return text


def _is_known(piece: str, visible: str, names: tuple[str, ...]) -> bool:
    return piece in names or (piece != "" and piece.lower() in visible.lower())


def _names(diagnostics: Diagnostics) -> tuple[str, ...]:
    found = (
        diagnostics.schema_name,
        diagnostics.table_name,
        diagnostics.column_name,
        diagnostics.constraint_name,
        diagnostics.datatype_name,
    )
    return tuple(name for name in found if name)
