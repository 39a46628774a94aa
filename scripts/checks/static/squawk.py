"""Dangers to a running site: what squawk finds, in the form of our findings.

https://squawkhq.com/docs/rules. Each UP is checked by itself, with what is known of its
transaction; a statement on a table that the same file creates is no danger.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from scripts.checks import rules
from scripts.checks.finding import Finding
from scripts.checks.tree import effects
from scripts.checks.tree.effect import Verb, relation
from scripts.checks.tree.source import Parsed, Source
from scripts.errors import UsageError

PREFIX = "squawk-"
# Ours are the timeouts, the transactions and IF NOT EXISTS. Which types to prefer is taste.
_OFF = (
    "require-lock-timeout",
    "require-statement-timeout",
    "require-timeout-settings",
    "transaction-nesting",
    "ban-uncommitted-transaction",
    "ban-concurrent-index-creation-in-transaction",
    "prefer-robust-stmts",
    "prefer-text-field",
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "prefer-identity",
    "ban-char-field",
    "ban-create-domain-with-constraint",
    "require-enum-value-ordering",
)
_SYNTAX = "syntax-error"
_NOT_VALID = f"{PREFIX}constraint-missing-not-valid"
_SAYS_IT_ALL = (f"{PREFIX}adding-foreign-key-constraint", f"{PREFIX}disallowed-unique-constraint")
"""What squawk finds together with the one above, of the same statement."""
_CHUNK = 500
"""Files for one call: a command line has a limited length."""


def check(sources: Sequence[Source]) -> Iterator[Finding]:
    """Find what would lock, rewrite or break something.

    Args:
        sources: the files to check; those that could not be read are skipped.

    Raises:
        UsageError: when squawk is not installed, or fails.
    """
    found = list(_found(sources))
    said = {(one.path, one.line) for one in found if one.code in _SAYS_IT_ALL}
    for one in found:
        if one.code != _NOT_VALID or (one.path, one.line) not in said:
            yield one


def _found(sources: Sequence[Source]) -> Iterator[Finding]:
    readable = {str(source.entry.path): source for source in sources if source.file}
    unread: dict[str, Source] = {}
    for source, found in _all(readable):
        line = found["line"] + 1
        if found["rule_name"] == _SYNTAX:
            unread[source.path] = source
        elif source.up and source.file and line < source.file.down.line:
            yield from _finding(source, line, found["column"] + 1, found)
    for source in unread.values():
        if not any(parsed.error for parsed in source.up):
            yield from _one_by_one(source)


def _all(readable: dict[str, Source]) -> Iterator[tuple[Source, dict[str, Any]]]:
    for transactional in (True, False):
        paths = [
            path
            for path, source in readable.items()
            if source.file and source.file.header.transactional is transactional
        ]
        for chunk in _chunks(paths):
            for found in _squawk(chunk, transactional=transactional):
                yield readable[found["file"]], found


def _chunks(paths: Sequence[str]) -> Iterator[Sequence[str]]:
    return (paths[at : at + _CHUNK] for at in range(0, len(paths), _CHUNK))


def _one_by_one(source: Source) -> Iterator[Finding]:
    """Check each statement by itself: one that squawk cannot parse hides the rest of its file."""
    transactional = bool(source.file and source.file.header.transactional)
    with tempfile.TemporaryDirectory() as folder:
        for index, parsed in enumerate(source.up):
            statement = parsed.statement
            text = statement.text[statement.body :]
            (Path(folder) / f"{index}.sql").write_text(text, encoding="utf-8", newline="")
        paths = [str(Path(folder) / f"{index}.sql") for index in range(len(source.up))]
        for found in _squawk(paths, transactional=transactional):
            first = source.up[int(Path(found["file"]).stem)].statement.line
            yield from _finding(source, first + found["line"], 0, found)


def _squawk(paths: Sequence[str], *, transactional: bool) -> list[dict[str, Any]]:
    answer = subprocess.run(
        [
            _program(),
            "--reporter=json",
            f"--exclude={','.join(_OFF)}",
            "--assume-in-transaction" if transactional else "--no-assume-in-transaction",
            *paths,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode not in (0, 1):
        raise _failed(answer, f"exit code {answer.returncode}")
    try:
        found: list[dict[str, Any]] = json.loads(answer.stdout or "[]")
    except ValueError as error:
        raise _failed(answer, "its output is not JSON") from error
    return found


def _failed(answer: subprocess.CompletedProcess[str], reason: str) -> UsageError:
    return UsageError(
        f"squawk failed: {reason}",
        detail=(answer.stderr or answer.stdout).strip()[:500],
    )


def _program() -> str:
    beside = Path(sysconfig.get_path("scripts")) / "squawk"
    found = str(beside) if beside.is_file() else shutil.which("squawk")
    if found is None:
        raise UsageError(
            "squawk is not installed: nothing else finds statements that would lock a live site",
            hint="run pip install squawk-cli",
        )
    return found


def _finding(source: Source, line: int, column: int, found: dict[str, Any]) -> Iterator[Finding]:
    if found["rule_name"] == _SYNTAX:
        yield source.finding(
            "squawk-unread",
            "squawk cannot parse this statement, so its locks were not checked",
            line=line,
            hint="look up in PostgreSQL's manual which locks it takes",
        )
        return
    parsed = _at(source, line)
    if parsed and (_is_new(source, parsed) or _is_remade(source, parsed)):
        return
    code = f"{PREFIX}{found['rule_name']}"
    yield source.finding(
        code if code in rules.every() else "squawk-other",
        " ".join(str(found["message"]).split()).rstrip("."),
        line=line,
        column=column,
        hint=str(found.get("help") or ""),
    )


def _at(source: Source, line: int) -> Parsed | None:
    """Return the statement of the UP that a line belongs to."""
    before = [parsed for parsed in source.up if parsed.statement.line <= line]
    return before[-1] if before else None


def _is_new(source: Source, parsed: Parsed) -> bool:
    """Tell whether a statement changes only tables that this file creates: nobody uses them."""
    tables = _tables(parsed)
    return bool(tables) and tables <= {
        effect.name
        for one in source.up
        for effect in effects.of(one)
        if effect.verb is Verb.CREATE and effect.kind in ("table", "materialized view", "view")
    }


def _is_remade(source: Source, parsed: Parsed) -> bool:
    """Tell whether a DROP … IF EXISTS only makes a later CREATE idempotent."""
    dropped = effects.of(parsed)
    made = {
        (effect.kind, effect.name, effect.of)
        for one in source.up
        for effect in effects.of(one)
        if effect.verb is Verb.CREATE
    }
    return bool(dropped) and all(
        effect.verb is Verb.DROP and (effect.kind, effect.name, effect.of) in made
        for effect in dropped
    )


def _tables(parsed: Parsed) -> set[str]:
    if parsed.tree is None:
        return set()
    if parsed.kind in ("alter_table_stmt", "index_stmt", "rename_stmt"):
        return {relation(getattr(parsed.tree, parsed.kind).relation)}
    return {effect.of or effect.name for effect in effects.of(parsed)}
