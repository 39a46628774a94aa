"""A file that is half applied, or half rolled back: whether somebody has done the rest by hand.

Shown by the catalog, compared with that of a shadow with the file and without it. What a statement
does to rows is not in the catalog: where it depends on such a statement, nobody can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from scripts.engine.ledger.partial import Partial
from scripts.engine.operations.realigned import Kept
from scripts.engine.operations.repair import Repair
from scripts.engine.safeguards import half_applied
from scripts.engine.status import Status
from scripts.errors import FormatError
from scripts.files import migration_file, rollback
from scripts.files.history import Entry
from scripts.sqltext.statements import Statement

Differences = Callable[[Sequence[str]], Sequence[str]]
"""Returns in what the database is not what migrations make it: these, in their order."""
_MOST = 3
"""How many differences a message names."""
# They change the catalog, or nothing that lasts.
_SEEN = frozenset(
    {
        "ALTER",
        "ANALYZE",
        "COMMENT",
        "CREATE",
        "DROP",
        "GRANT",
        "LOCK",
        "REINDEX",
        "RESET",
        "REVOKE",
        "SECURITY",
        "SET",
        "SHOW",
        "VACUUM",
    }
)


def repair(
    found: Status, one: Partial, kept: Mapping[str, Kept], differences: Differences
) -> Repair:
    """Find out which of both a database has become.

    Args:
        found: its files and its ledger.
        one: the file.
        kept: what rows store for rollbacks.
        differences: compares the database.

    Raises:
        MigrationError: when the database cannot be compared, or the file not be read.
    """
    applied, entry = found.find(one.version), found.history.find(one.version)
    about = Repair(one.version, half_applied.described(one), applied and applied.row, entry, one)
    if entry is None or entry.filename != one.filename or found.ahead:
        doubt = "not all of what was started is in this checkout"
        return about._replace(doubt=doubt, impossible=True)
    try:
        statements = _statements(found, one, entry, kept)
    except FormatError as error:
        return about._replace(doubt=f"it cannot be read: {error.what}", impossible=True)
    others = [each.row.version for each in found.applied if each is not applied]
    both = differences([*others, one.version]), differences(others)
    about = _compared(about, one, statements, both)
    is_other = about.entry and one.is_up and not about.doubt
    if is_other and found.history.checksum(entry) != one.checksum:
        return about._replace(doubt="the file was changed since it was started")
    return about


def _compared(
    about: Repair,
    one: Partial,
    statements: Sequence[Statement],
    both: tuple[Sequence[str], Sequence[str]],
) -> Repair:
    """Say what a comparison shows.

    Args:
        about: the repair, if nothing is known.
        one: how far the file got.
        statements: of the section that was cut short.
        both: the differences from a database with the file, and from one without it.
    """
    complete, without = both
    if complete and without:
        more = ["…"] if len(complete) > _MOST else []
        doubt = "the database is neither as with it nor as without it"
        return about._replace(doubt=doubt, detail="\n".join([*complete[:_MOST], *more]))
    if not complete and not without:
        return about._replace(doubt="the catalog shows nothing of what it does")
    is_there = not complete
    now = "complete" if is_there else "gone"
    kind = "applied" if one.is_up else "rolled back"
    unseen = _unseen(statements, one, to_the_end=is_there is one.is_up)
    return about._replace(
        why=f"it was half {kind}, and the catalog shows that it is {now} by now",
        entry=about.entry if is_there else None,
        doubt=f"line {unseen.line} may change rows, which are not compared" if unseen else "",
    )


def _statements(
    found: Status, one: Partial, entry: Entry, kept: Mapping[str, Kept]
) -> tuple[Statement, ...]:
    if one.is_up:
        return migration_file.read(entry.path, released=True).up.statements
    row = found.find(one.version)
    return rollback.parse(kept[row.row.version].sql).down.statements if row else ()


def _unseen(statements: Sequence[Statement], one: Partial, *, to_the_end: bool) -> Statement | None:
    """Return a statement of which it matters whether it ran, and which the catalog does not show.

    Args:
        statements: of the section that was cut short.
        one: how far it got.
        to_the_end: whether the section was completed by hand; otherwise undone.
    """
    reached = one.done + 1 if one.unsure else one.done
    wanted = statements[one.done :] if to_the_end else statements[:reached]
    return next((each for each in wanted if each.command not in _SEEN), None)
