"""A dry run: what would be run, laid out for people, bare for psql, or as JSON."""

from __future__ import annotations

import sys

from scripts.console import layout, report
from scripts.engine import disclosure, reading
from scripts.engine.operations.upgrade import Pending
from scripts.engine.settings import Limits
from scripts.engine.step import Step
from scripts.errors import counted, printable
from scripts.sqltext import duration


def show(pending: Pending, *, as_json: bool, as_sql: bool) -> None:
    """Print what would be applied to a database.

    Args:
        pending: what is to be applied.
        as_json: one object for each migration.
        as_sql: nothing but the text of the sections, as they stand in the files.
    """
    name, limits = pending.status.name, pending.settings.limits
    for entry in pending.entries:
        step, _ = reading.upgrade(pending.status, entry.version)
        if as_json:
            _json(name, step, limits)
        elif as_sql:
            print(_bare(step.section.text.strip("\n")))
        else:
            print(f"{name}: would apply {step.filename} ({_how(step, limits)})")
            for statement in step.section.statements:
                print(f"  line {statement.line}")
                print(_indented(layout.statement(statement)))


def _json(name: str, step: Step, limits: Limits) -> None:
    report.event(
        "would_apply",
        database=name,
        run=None,
        version=step.version,
        filename=step.filename,
        transactional=step.header.transactional,
        lock_timeout_ms=_given(step.header.lock_timeout_ms, limits.lock_timeout_ms),
        statement_timeout_ms=_given(step.header.statement_timeout_ms, limits.statement_timeout_ms),
        statements=[
            {"line": one.line, "sql": disclosure.of_script(one.sql)}
            for one in step.section.statements
        ],
    )


def _how(step: Step, limits: Limits) -> str:
    """Say how a section runs: "2 statements, in one transaction, lock timeout 5.0 s"."""
    lock = _given(step.header.lock_timeout_ms, limits.lock_timeout_ms)
    statement = _given(step.header.statement_timeout_ms, limits.statement_timeout_ms)
    parts = [
        counted(len(step.section.statements), "statement"),
        "in one transaction" if step.header.transactional else "without a transaction",
        f"lock timeout {duration.text(lock)}" if lock else "waits for locks without limit",
        *([f"statement timeout {duration.text(statement)}"] if statement else []),
    ]
    return ", ".join(parts)


def _given(of_file: int | None, default: int) -> int:
    return default if of_file is None else of_file


def _bare(sql: str) -> str:
    """Return SQL byte for byte where a program reads it; nothing of it controls a terminal."""
    if not sys.stdout.isatty():
        return sql
    return "\n".join(printable(line) for line in sql.splitlines())


def _indented(sql: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in sql.splitlines())
