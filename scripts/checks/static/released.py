"""Released files: what the base branch has must stay unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from scripts.checks.finding import Finding
from scripts.checks.git import Base
from scripts.errors import FormatError
from scripts.files import checksum, history, migration_file
from scripts.files.history import Entry
from scripts.files.project import Environment, shown
from scripts.sqltext import lexer
from scripts.sqltext.lexer import Kind

_RESTORE = "run `git restore --source={commit} {path}`, and put the change in a new migration"


def check(environment: Environment, entries: tuple[Entry, ...], base: Base) -> Iterator[Finding]:
    """Compare the files with those of the base branch.

    Args:
        environment: whose files.
        entries: the files that are there now.
        base: the branch, and the commit at which this one left it.
    """
    before = base.files(environment.sql)
    now = {entry.filename: entry for entry in entries}
    for name, old in sorted(before.items()):
        if not name.endswith(".sql"):
            continue
        if name not in now:
            yield _gone(environment, name, old, entries, base)
        elif checksum.of(now[name].path.read_bytes()) != checksum.of(old):
            yield _changed(environment, now[name], old, base)
    yield from _behind(environment, [now[name] for name in now if name not in before], base)


def new(environment: Environment, entries: tuple[Entry, ...], base: Base) -> tuple[Entry, ...]:
    """Return the migrations that the base branch did not have."""
    before = base.files(environment.sql)
    return tuple(entry for entry in entries if entry.filename not in before)


def only_comments(old: bytes, new: bytes) -> bool:
    """Tell whether two versions of a file differ only in comments and white space.

    A DOWN that is commented out is SQL; the header's directives are, too.
    """
    try:
        first, second = (
            migration_file.parse(Path(), migration_file.decode(data), released=True)
            for data in (old, new)
        )
    except FormatError:
        return False
    return (
        first.header.directives() == second.header.directives()
        and _words(first.up.text) == _words(second.up.text)
        and _words(first.down.text) == _words(second.down.text)
    )


def _words(text: str) -> list[str]:
    """Return the SQL between comments, with any white space as one blank."""
    found, end = [], 0
    for token in lexer.tokens(text):
        found += text[end : token.start].split()
        if token.kind not in (Kind.LINE_COMMENT, Kind.BLOCK_COMMENT):
            found.append(text[token.start : token.end])
        end = token.end
    return [*found, *text[end:].split()]


def _changed(environment: Environment, entry: Entry, old: bytes, base: Base) -> Finding:
    comments = only_comments(old, entry.path.read_bytes())
    what = "its comments or white space were" if comments else "its SQL was"
    return Finding(
        code="released-comments" if comments else "released-changed",
        database=environment.name,
        path=shown(entry.path),
        message=f"this file is released on {base.ref}, but {what} changed",
        hint=_restore(entry.path, base),
    )


def _gone(
    environment: Environment, name: str, old: bytes, entries: tuple[Entry, ...], base: Base
) -> Finding:
    path = environment.sql / name
    number = name.partition("_")[0]
    same = next(
        (
            entry
            for entry in entries
            if entry.version == number or checksum.of(entry.path.read_bytes()) == checksum.of(old)
        ),
        None,
    )
    what = f"renamed to {same.filename}" if same else "removed"
    return Finding(
        code="released-renamed" if same else "released-removed",
        database=environment.name,
        path=shown(same.path if same else path),
        message=f"{name} is released on {base.ref}, but was {what}",
        hint=_restore(path, base),
    )


def _behind(environment: Environment, added: list[Entry], base: Base) -> Iterator[Finding]:
    """Find new files whose number is not above those of the base branch."""
    taken = {
        history.number(name.partition("_")[0]): name
        for name in base.names(environment.sql)
        if name.endswith(".sql") and name.partition("_")[0].isdigit()
    }
    highest = max(taken, default=0)
    for entry in added:
        if entry.number <= highest:
            same = taken.get(entry.number)
            what = (
                f"is already taken on {base.ref} ({same})"
                if same
                else f"is below {taken[highest]}, which is already on {base.ref}"
            )
            yield Finding(
                code="number-behind-base",
                database=environment.name,
                path=shown(entry.path),
                message=f"version {entry.version} {what}",
                hint=f"merge {base.ref}, then take the next number: {history.RENUMBERING}",
            )


def _restore(path: Path, base: Base) -> str:
    return _RESTORE.format(commit=base.commit[:12], path=shown(path))
