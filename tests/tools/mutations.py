"""Migrations that are right, and what they become when one place of them is changed.

Everything is made by program and in a fixed order: the same files give the same mutants.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from scripts.errors import FormatError
from scripts.files import migration_file
from scripts.sqltext.statements import Statement
from tests.support.workspace import REPOSITORY
from tests.tools import edits

_SHADOW = REPOSITORY / "tests/data/shadow"
_MOST = {"UP": 3, "DOWN": 6}
"""Mutants of one kind in one section: a table of fourteen columns would make hundreds alike."""
_Item = TypeVar("_Item")


class Migration(NamedTuple):
    """A migration that is right, and the files below it."""

    name: str
    filename: str
    text: str
    below: Mapping[str, str]

    @property
    def history(self) -> str:
        """Return the name of the newest file below it; "" where it is the first."""
        return max(self.below, default="")


class Mutant(NamedTuple):
    """A migration with one change; `kind` is "none" where it has not been changed."""

    migration: Migration
    kind: str
    name: str
    up: str
    down: str

    @property
    def text(self) -> str:
        """Return the text of its file."""
        head = self.migration.text[: self.migration.text.index("-- UP")]
        return f"{head}-- UP\n{self.up}\n-- DOWN\n{self.down}\n"


def migrations() -> list[Migration]:
    """Return the clean blocks of defects.txt, what they stand on, and the project's own files."""
    base = {"001_base.sql": (_SHADOW / "base.sql").read_text()}
    found = [Migration("base", "001_base.sql", base["001_base.sql"], {})]
    for block in (_SHADOW / "defects.txt").read_text().split("\n\n"):
        head, _, body = block.strip().partition(":\n")
        # Roles are the server's, on which several mutants run at a time.
        if head.startswith("clean") and "ROLE" not in body:
            found.append(Migration(head, "002_case.sql", _file(body), base))
    for environment in ("course", "auth"):
        below: dict[str, str] = {}
        for path in sorted((REPOSITORY / "sql" / environment).glob("[0-9]*.sql")):
            name = f"{environment}/{path.stem}"
            found.append(Migration(name, path.name, path.read_text(), dict(below)))
            below[path.name] = path.read_text()
    return found


def _file(body: str) -> str:
    up, _, down = f"{body}\n".partition("\n--\n")
    lines = up.splitlines()
    head = [line for line in lines if line.startswith("-- Irreversible")]
    kept = [line for line in lines if line not in head]
    return "\n".join([*head, "-- UP", *kept, "-- DOWN", down])


def unchanged(migration: Migration) -> Mutant:
    """Return a migration as it is, in the form of a mutant."""
    up, down = _sections(migration)
    return Mutant(migration, "none", migration.name, _joined(up), _joined(down))


def mutants(migration: Migration) -> list[Mutant]:
    """Return the mutants of a migration, each with a text of its own."""
    sections = dict(zip(("UP", "DOWN"), _sections(migration), strict=True))
    seen = {(one := unchanged(migration)).text}
    found = []
    for name, statements in sections.items():
        by_kind = defaultdict(list)
        for kind, what, changed in (*_moved(statements), *_edited(statements)):
            parts = {part: _joined(of) for part, of in sections.items()} | {name: changed}
            label = f"{migration.name}: {name} {what}"
            one = Mutant(migration, kind, label, parts["UP"], parts["DOWN"])
            if one.text not in seen and _is_a_file(one):
                seen.add(one.text)
                by_kind[kind].append(one)
        found += [one for of in by_kind.values() for one in _spread(of, _MOST[name])]
    return found


def _is_a_file(mutant: Mutant) -> bool:
    """Tell whether it can be read as it is meant: a change may open a quote, or close one."""
    try:
        read = migration_file.parse(Path(mutant.migration.filename), mutant.text)
    except FormatError:
        return False
    return [read.up.text.strip(), read.down.text.strip()] == [
        mutant.up.strip(),
        mutant.down.strip(),
    ]


def _sections(migration: Migration) -> tuple[Sequence[Statement], Sequence[Statement]]:
    file = migration_file.parse(Path(migration.filename), migration.text)
    return file.up.statements, file.down.statements


def _joined(statements: Sequence[Statement]) -> str:
    return "\n".join(one.sql for one in statements)


def _spread(items: Sequence[_Item], most: int) -> Sequence[_Item]:
    """Return not more than so many, taken evenly."""
    if len(items) <= most:
        return items
    return [items[number * len(items) // most] for number in range(most)]


def _moved(statements: Sequence[Statement]) -> Iterator[tuple[str, str, str]]:
    """Leave out each statement; change places with the next one. A section is never empty."""
    for number, one in enumerate(statements):
        rest = [*statements[:number], *statements[number + 1 :]]
        yield "drop", f"line {one.line}: `{one.summary(50)}` left out", _joined(rest) or "SELECT 1;"
    for number, (one, after) in enumerate(itertools.pairwise(statements)):
        order = [*statements[:number], after, one, *statements[number + 2 :]]
        yield "swap", f"line {one.line}: after the statement of line {after.line}", _joined(order)


def _edited(statements: Sequence[Statement]) -> Iterator[tuple[str, str, str]]:
    for number, one in enumerate(statements):
        for edit in edits.of(one.sql):
            sql = one.sql[: edit.start] + edit.new + one.sql[edit.end :]
            before, after = _joined(statements[:number]), _joined(statements[number + 1 :])
            line = one.line + one.sql.count("\n", 0, edit.start)
            column = edit.start - one.sql.rfind("\n", 0, edit.start)
            what = f"line {line}:{column}: {edit.what}"
            yield edit.kind, what, "\n".join(part for part in (before, sql, after) if part)
