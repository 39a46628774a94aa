"""Files that were renumbered or renamed after they were applied; the ledger knows their text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from scripts.engine.ledger.table import Row
from scripts.errors import LedgerError
from scripts.files import checksum, history
from scripts.files.history import Entry
from scripts.files.project import Environment, shown

# The one line of a file that its name stands in; `history.RENUMBERING` has it changed too.
_NAMED = re.compile(rb"(?m)^(--\s*Migration\s*:\s*)\S+")


class Renamed(NamedTuple):
    """A migration that was applied under another name than its file has now."""

    row: Row
    entry: Entry
    """The file that has its text."""

    def __str__(self) -> str:
        """Return it as a sentence."""
        return (
            f"{self.row.version} was applied as {self.row.filename}, whose text is now "
            f"{self.entry.filename}"
        )


def find(rows: Iterable[Row], files: Sequence[Entry]) -> Iterator[Renamed]:
    """Find the files that have the texts of rows.

    Args:
        rows: those whose own file is another one now, or gone.
        files: those that no row stands for.
    """
    left = list(files)
    for row in rows:
        for entry in left:
            if entry.filename != row.filename and _was(row, entry):
                left.remove(entry)  # two migrations may have the same text
                yield Renamed(row, entry)
                break


def _was(row: Row, entry: Entry) -> bool:
    """Tell whether a file has a row's text; its own name may have been changed in it."""
    data = entry.path.read_bytes()
    before = _NAMED.sub(lambda line: line[1] + row.filename.encode(), data, count=1)
    return row.checksum in (checksum.of(data), checksum.of(before))


def error(
    environment: Environment, found: Sequence[Renamed], taken: Iterable[Entry], rows: Sequence[Row]
) -> LedgerError:
    """Return the error about files that were renamed.

    Args:
        environment: whose files they are.
        found: the files; at least one.
        taken: files that have the number of such a row now.
        rows: all that is applied, the oldest first.
    """
    ours = {one.entry.path for one in found}
    numbers = {entry.number: entry for entry in taken if entry.path not in ours}
    return LedgerError(
        f"{found[0]}",
        detail="\n".join(str(one) for one in found[1:]),
        state=f"nothing was changed; {environment.name} is at {rows[-1].version}",
        hint="\n".join(
            _hint(environment, one, numbers.get(history.number(one.row.version)), rows)
            for one in found
        ),
    )


def _hint(
    environment: Environment, one: Renamed, newcomer: Entry | None, rows: Sequence[Row]
) -> str:
    """Say how to rename the file back, and what to do with the file that has its number now."""
    sql, revision = one.entry.path, environment.versions / f"{one.entry.path.stem}.py"
    before = one.row.filename
    back = (
        f"rename it back: {shown(sql)} to {before}, and {shown(revision)} to "
        f"{before.removesuffix('.sql')}.py, with the name and the numbers in both as they were"
    )
    if newcomer is None:
        return f"{back}; or have its row follow it: `python scripts/repair.py`"
    back = f"{back}; {newcomer.filename} gets the next free number"
    if one.row != rows[-1]:
        # A rollback would also undo what was applied after it, and destroy that data.
        return back
    below = rows[-2].version if len(rows) > 1 else "base"
    return (
        f"{back}. Or roll it back in this database and apply it again: "
        f"python scripts/rollback.py --database {environment.name} --to {below}"
    )
