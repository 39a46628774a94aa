"""The ledger of an earlier tool, held against the files: which migrations it says are applied."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from scripts.engine.ledger.earlier import EarlierLedger, Row
from scripts.errors import FormatError, HistoryError, LedgerError
from scripts.files import checksum, equivalence, migration_file, rollback
from scripts.files.history import Entry, History
from scripts.files.project import shown
from scripts.files.rollback import Rollback

_ALGORITHMS = ("sha256", "sha1", "md5", "sha512")
_ENDINGS = (".sql", ".js", ".ts", ".up")
_MOST = 5
"""How many versions a message names."""


class Mismatch(NamedTuple):
    """A file that may not be what was applied, by what the earlier tool has noted."""

    entry: Entry
    what: str
    detail: str


def entries(earlier: EarlierLedger, files: History, at: str | None) -> tuple[Entry, ...]:
    """Return the migrations that the ledger says are applied.

    Args:
        earlier: what the tool has noted.
        files: the checkout.
        at: the last version, where people named it: it has to be the ledger's.

    Raises:
        LedgerError: when files and rows are not the same history.
        HistoryError: when `at` is no version of a file.
    """
    last = earlier.last
    if last is None:
        raise LedgerError(
            f"the ledger {earlier.table} has no row",
            state="nothing was changed",
            hint="if nothing was ever applied, DROP the table and run `python scripts/migrate.py`",
        )
    wanted = files.find(at) if at else None
    if at and wanted is None:
        raise unknown(at)
    if wanted and wanted.number != last.number:
        raise LedgerError(
            f"the ledger {earlier.table} is at {last.version}, not at {at}",
            state="nothing was changed",
            hint=f"leave --at out to take it over as it is, at {last.version}",
        )
    below = tuple(one for one in files.entries if one.number <= last.number)
    known = {one.number for one in below}
    numbers = {one.number for one in earlier.rows}
    missing = [one.filename or one.version for one in earlier.rows if one.number not in known]
    skipped = [] if earlier.up_to else [one.filename for one in below if one.number not in numbers]
    if missing or skipped:
        raise _another_history(earlier, files, missing, skipped)
    return below


def unknown(at: str) -> HistoryError:
    """Return the error about a version that no file has."""
    return HistoryError(f"there is no migration {at}", hint="give the number of a file in sql/")


def _another_history(
    earlier: EarlierLedger, files: History, missing: Sequence[str], skipped: Sequence[str]
) -> LedgerError:
    folder = shown(files.environment.sql)
    lines = []
    if missing:
        lines.append(f"no file in {folder} for its {_listed(missing)}")
    if skipped:
        lines.append(f"no row in it for {_listed(skipped)}")
    return LedgerError(
        f"the ledger {earlier.table} and the files are not the same history",
        detail="\n".join(lines),
        state="nothing was changed",
        hint="the files keep the numbers that the tool knows them by; what it has not applied "
        "gets a number above them",
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more


def mismatches(earlier: EarlierLedger, files: Sequence[Entry]) -> Iterator[Mismatch]:
    """Hold what the tool has noted of each migration against its file.

    Args:
        earlier: what it has noted.
        files: those that are applied.

    Raises:
        FormatError: when a file is not in the format.
    """
    rows = {one.number: one for one in earlier.rows}
    pairs = [(one, rows[one.number]) for one in files if one.number in rows]
    numbers = {one.number for one in files}
    for entry, row in pairs:
        if row.other in numbers:
            yield Mismatch(entry, f"its row has the version {row.other}", f"and {row.filename}")
        if row.filename and _stem(row.filename) not in (entry.stem, entry.slug):
            yield Mismatch(entry, f"it was applied as {row.filename}", "")
        if row.rollback_sql and (detail := _other_rollback(entry, row.rollback_sql)):
            yield Mismatch(entry, "its DOWN is not the rollback SQL that was noted", detail)
    yield from _other_checksums(pairs)


def _stem(name: str) -> str:
    """Return a file's name without what only says how a tool runs it: `002_x.up.sql` is 002_x."""
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    return name


def _other_checksums(pairs: Sequence[tuple[Entry, Row]]) -> Iterator[Mismatch]:
    noted = [(entry, row.checksum) for entry, row in pairs if row.checksum]
    if not noted:
        return
    ways = [
        (name, [entry for entry, known in noted if of(entry) in _readings(known)])
        for name, of in _sums()
    ]
    name, fitting = max(ways, key=lambda way: len(way[1]))
    for entry, known in noted:
        if entry in fitting:
            continue
        if fitting:
            what = f"the file was changed after it was applied: its {name} is not the noted one"
        else:
            what = "its noted checksum is none of the file's; perhaps it is that of another text"
        yield Mismatch(entry, what, f"noted: {known}")


def _readings(noted: str) -> tuple[str, str]:
    """Return a checksum as hexadecimal digits, whether it was noted so or in base 64."""
    plain = noted.strip().rpartition(":")[2]
    try:
        return plain.lower(), base64.b64decode(plain, validate=True).hex()
    except ValueError:
        return plain.lower(), ""


def _sums() -> Iterator[tuple[str, Callable[[Entry], str]]]:
    """Give the ways in which a tool may have made a file's checksum."""
    for name in _ALGORITHMS:
        yield name, partial(_sum, name)
        yield f"{name} without the white space around it", partial(_sum, name, stripped=True)
    yield "sha256 with LF line ends", lambda entry: checksum.of(_data(entry))


def _sum(algorithm: str, entry: Entry, *, stripped: bool = False) -> str:
    data = _data(entry)
    return hashlib.new(algorithm, data.strip() if stripped else data).hexdigest()


def _data(entry: Entry) -> bytes:
    return checksum.read(str(entry.folder), entry.filename)


def _other_rollback(entry: Entry, noted: str) -> str:
    """Return in what a noted rollback is not the file's DOWN; "" where it is the same SQL."""
    file = migration_file.read(entry.path, released=True)
    own = Rollback(file.header, file.down)
    try:
        same = equivalence.undoes_the_same(rollback.parse(noted), own)
    except FormatError as error:
        return f"it is no SQL: {error.what}"
    return "" if same else f"noted: {_first(noted)}\nfile:  {_first(own.down.text)}"


def _first(text: str) -> str:
    return " ".join(text.split())[:120] or "nothing"
