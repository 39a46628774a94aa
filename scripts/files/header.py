"""The header of a migration file: `-- Key: value` lines before `-- UP`."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from scripts.errors import FormatError
from scripts.sqltext import duration

KEYS = (
    "Migration",
    "Description",
    "Author",
    "Created",
    "Transaction",
    "Lock-Timeout",
    "Statement-Timeout",
    "Irreversible",
)
DIRECTIVES = KEYS[4:]
"""The keys that change how a migration runs; the ledger keeps them with the rollback SQL."""

STORED = re.compile(rf"-- ({'|'.join(DIRECTIVES)}): [^\n]*\n")
"""A directive as `Header.directives` writes it."""
_LINE = re.compile(r"--\s*([A-Za-z][A-Za-z _-]*?)\s*:(?!:)\s*(.*?)\s*")
# Below this similarity two words are different words: "Notes" and "Author" are, "Transactions" and
# "Transaction" are not (difflib's ratio, 0 to 1).
_LIKENESS = 0.75
# What a directive looks like when its writer forgot the colon, wrote =, or put a bullet before it.
_MALFORMED = re.compile(
    r"--[\s*#-]*(Transaction|(?:Lock|Statement)[ _-]?Timeout|Irreversible)\s*(?:[:=].*|none)?",
    re.IGNORECASE,
)


class Mode(Enum):
    """How a migration's statements are run."""

    TRANSACTION = "transaction"
    """All in one transaction: all of them or none."""
    NONE = "none"
    """Each by itself, outside a transaction."""


class Header(NamedTuple):
    """What a migration file says about itself."""

    migration: str = ""
    description: str = ""
    author: str = ""
    created: str = ""
    mode: Mode = Mode.TRANSACTION
    lock_timeout_ms: int | None = None
    statement_timeout_ms: int | None = None
    irreversible: str | None = None
    """Why it cannot be rolled back; None when it can."""

    @property
    def transactional(self) -> bool:
        """Tell whether the statements run in one transaction."""
        return self.mode is Mode.TRANSACTION

    def directives(self) -> str:
        """Write the lines that a rollback must obey too, each ended by a line break."""
        lines = []
        if self.mode is not Mode.TRANSACTION:
            lines.append(f"-- Transaction: {self.mode.value}\n")
        if self.lock_timeout_ms is not None:
            lines.append(f"-- Lock-Timeout: {self.lock_timeout_ms}ms\n")
        if self.statement_timeout_ms is not None:
            lines.append(f"-- Statement-Timeout: {self.statement_timeout_ms}ms\n")
        if self.irreversible is not None:
            lines.append(f"-- Irreversible: {self.irreversible}\n")
        return "".join(lines)


def parse(comments: Iterable[tuple[int, str]], *, released: bool = False) -> Header:
    """Read a header.

    Args:
        comments: line number and text of each line comment before the UP section. One that is not
            `-- Key: value`, or whose key resembles none of ours, is an ordinary comment.
        released: whether it belongs to what was applied, which may no longer be edited: its
            timeouts without a unit are milliseconds, as they were when it ran.

    Raises:
        FormatError: for a key that looks like a mistyped known one, a known key given twice, or a
            value that its key does not accept. `Transactions: none` must never be ignored.
    """
    values: dict[str, tuple[int, str]] = {}
    for line, comment in comments:
        found = _LINE.fullmatch(comment)
        if found is None:
            _refuse_malformed(line, comment)
            continue
        key = _known(line, found[1])
        if key is None:
            continue
        if key in values:
            raise FormatError(
                f"'{key}' appears twice in the header, here and on line {values[key][0]}",
                line=line,
                hint="keep one of the two",
            )
        values[key] = (line, found[2])
    return _header(values, released=released)


def directive_in(comment: str) -> str | None:
    """Return the directive that a comment would be in the header, if any.

    Args:
        comment: a line comment from inside a section, where a directive would have no effect.
    """
    found = _LINE.fullmatch(comment)
    if found is None:
        return None
    key = _closest(found[1])
    if key not in DIRECTIVES:
        return None
    if key == "Transaction" and found[2].lower() != "none":
        return None
    if key in ("Lock-Timeout", "Statement-Timeout") and not re.match(r"\d", found[2]):
        return None
    return key


def _known(line: int, written: str) -> str | None:
    meant = _closest(written)
    if meant is None or meant.lower() == written.lower():
        return meant
    raise FormatError(
        f"'{written}' is not a header key; did you mean '{meant}'?",
        line=line,
        hint=f"write '-- {meant}: …', or reword the comment without the colon",
    )


@functools.lru_cache(maxsize=256)
def _closest(written: str) -> str | None:
    """Return the key that a word is or nearly is; None for any other word."""
    lowered = {key.lower(): key for key in KEYS}
    if written.lower() in lowered:
        return lowered[written.lower()]
    folded = re.sub(r"[ _-]+", "-", written.lower())
    if folded.endswith("timeout"):
        return "Statement-Timeout" if folded.startswith("st") else "Lock-Timeout"
    import difflib

    close = difflib.get_close_matches(folded, lowered, 1, _LIKENESS)
    meant = lowered[close[0]] if close else None
    # `Created by` is two words and not a mistyped key; for what changes a run, doubt is enough.
    return meant if meant in DIRECTIVES or "-" not in folded else None


def _refuse_malformed(line: int, comment: str) -> None:
    found = _MALFORMED.fullmatch(comment)
    if found:
        raise FormatError(
            f"'{comment}' looks like a directive but would be ignored",
            line=line,
            hint=f"write '-- {found[1]}: …', or reword the comment",
        )


def _header(values: dict[str, tuple[int, str]], *, released: bool) -> Header:
    text = {key: value for key, (_, value) in values.items()}
    if "Transaction" in values and text["Transaction"].lower() != "none":
        raise FormatError(
            f"'Transaction: {text['Transaction']}' is not valid: the only value is 'none'",
            line=values["Transaction"][0],
            hint="write '-- Transaction: none', or remove the line to run in one transaction",
        )
    if "Irreversible" in values and not text["Irreversible"]:
        raise FormatError(
            "'Irreversible' needs a reason",
            line=values["Irreversible"][0],
            hint="write '-- Irreversible: why this cannot be undone'",
        )
    return Header(
        migration=text.get("Migration", ""),
        description=text.get("Description", ""),
        author=text.get("Author", ""),
        created=text.get("Created", ""),
        mode=Mode.NONE if "Transaction" in values else Mode.TRANSACTION,
        lock_timeout_ms=_milliseconds(values, "Lock-Timeout", bare=released),
        statement_timeout_ms=_milliseconds(values, "Statement-Timeout", bare=released),
        irreversible=text.get("Irreversible"),
    )


def _milliseconds(values: dict[str, tuple[int, str]], key: str, *, bare: bool) -> int | None:
    if key not in values:
        return None
    line, value = values[key]
    try:
        return duration.milliseconds(value, bare=bare)
    except duration.MissingUnitError as error:
        hint = " or ".join(f"'-- {key}: {meant}'" for meant in error.meant)
        raise FormatError(f"{key}: {error}", line=line, hint=f"write {hint}") from error
    except ValueError as error:
        raise FormatError(f"{key}: {error}", line=line, hint=f"write '-- {key}: 5s'") from error
