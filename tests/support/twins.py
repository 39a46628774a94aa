"""Two equal projects with equal databases, one for each door, and what the doors may differ in."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tests.support import doors
from tests.support.workspace import Workspace


class Ended(Protocol):
    """A command that has ended, in a process of its own or in this one."""

    @property
    def returncode(self) -> int: ...
    @property
    def stdout(self) -> str: ...
    @property
    def stderr(self) -> str: ...


@dataclass(frozen=True)
class Difference:
    """Something that one door says or leaves and the other one need not."""

    why: str
    only: str = ""
    """The door that has more: alembic, scripts, or both where each has words of its own."""
    says: str = ""
    """What it says, as a pattern for a whole line; see `words`."""
    leaves: str = ""
    """What it leaves, as a pattern for a whole line; see `left`."""


# All that the doors may differ in, by a name that a test has to give; one that is named and not
# seen fails it as well. Further, for every command: Alembic's door says its lines on standard
# error, the scripts say theirs on standard output; and what a rollback destroys is said by the one
# while it runs, and shown by the other before it asks. What is no matter of lines stands in
# tests/doors/test_differences.py.
ALLOWED: Mapping[str, Difference] = {
    "preview": Difference(
        "rollback.py shows server and SQL before it asks; Alembic's door does not ask",
        only="scripts",
        says=r"course: \S+@.+|course: \S+\.sql, .+|    .*",
    ),
    "destroys": Difference(
        "rollback.py has shown by then what would go, where Alembic's door refuses first",
        only="scripts",
        says="destroys .*",
    ),
    "idle": Difference(
        "a person who starts a script is told that there was nothing to do; Alembic says nothing",
        only="scripts",
        says=r"course: nothing to (do|roll back)\b.*",
    ),
    "ahead": Difference(
        "Alembic's door says it on a line of its own, the scripts with `nothing to do`",
        only="alembic",
        says=r"course: the database is ahead of this code by .*",
    ),
    "own words": Difference(
        "what was asked for is refused in the words of the option that asked for it",
        only="both",
        says="(error|at|detail|state|help): .*",
    ),
    "unlogged": Difference(
        "the scripts look before they run; what they refuse then is in no event log",
        only="alembic",
        leaves="event: .*'event': 'failure'.*",
    ),
}
_PART = 8
"""Where the text of an error's part begins."""
_MASKS = (
    (r"\b\d+(\.\d+)? (ms|s|min)\b", "some time"),
    (r"\bpid \d+", "pid N"),
    (r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?( ?[+-]\d\d:?\d\d)?", "some day"),
)
_OF_THE_RUN = {"applied_at", "duration_ms", "at", "id", "host", "tool", "git_commit", "identity"}
"""Columns and keys that differ from run to run, or with the door; an identity is an oid."""


@dataclass(frozen=True)
class Twins:
    """The project of each door."""

    alembic: Workspace
    scripts: Workspace

    def both(self, act: Callable[[Workspace], object]) -> None:
        """Do the same to both."""
        for workspace in (self.alembic, self.scripts):
            act(workspace)

    def run(self, alembic: str, scripts: str) -> tuple[Ended, Ended]:
        """Run a command through each door, in a process of its own."""
        return (
            doors.run(self.alembic, "alembic", *alembic.split()),
            doors.run(self.scripts, *scripts.split()),
        )

    def words(
        self, ended: tuple[Ended, Ended], allowed: Iterable[str] = ()
    ) -> tuple[list[str], list[str]]:
        """Return what both doors said, without what they may differ in.

        Args:
            ended: the command of Alembic's door, and the script's.
            allowed: names in `ALLOWED`; each of them has to be seen.
        """
        said = words(ended[0], self.alembic), words(ended[1], self.scripts)
        return _without({name: ALLOWED[name].says for name in allowed}, *said)

    def left(self, allowed: Iterable[str] = ()) -> tuple[list[str], list[str]]:
        """Return what both databases have, without what they may differ in."""
        found = left(self.alembic), left(self.scripts)
        return _without({name: ALLOWED[name].leaves for name in allowed}, *found)


def _without(
    patterns: Mapping[str, str], alembic: list[str], scripts: list[str]
) -> tuple[list[str], list[str]]:
    """Return the lines of both without those that one may have alone."""
    alone = {"alembic": set(alembic) - set(scripts), "scripts": set(scripts) - set(alembic)}
    for name, pattern in patterns.items():
        only = ALLOWED[name].only
        for door, lines in (("alembic", alembic), ("scripts", scripts)):
            if pattern and only in (door, "both"):
                seen = {one for one in alone[door] if re.fullmatch(pattern, one)}
                assert seen, f"not seen of {door}: {name}"
                lines[:] = [line for line in lines if line not in seen]
    return alembic, scripts


def words(ended: Ended, workspace: Workspace) -> list[str]:
    """Return what a person sees: lines of the run, then what is destroyed, then the error.

    Each line of an error has the name of its part. Times are left out, and so is what names the one
    of the twins.
    """
    said = masked(ended.stdout + ended.stderr, workspace).splitlines()
    begin = next((at for at, line in enumerate(said) if line.startswith("error:")), len(said))
    shown = re.compile(r"(?:  |course: \S+: )destroys (.+)")
    destroys = [
        f"destroys {one}"
        for match in map(shown.fullmatch, said[:begin])
        if match
        for one in re.split(r"(?<=\)), ", match[1])
    ]
    error, part = [], ""
    for line in said[begin:]:
        part = line[:_PART].strip() or part
        error.append(f"{part} {line[_PART:]}")
    run = [line for line in said[:begin] if not shown.fullmatch(line)]
    return [*run, *sorted(destroys), *error]


def masked(text: str, workspace: Workspace) -> str:
    """Return a text without what differs from run to run, or from one of the twins to the other."""
    database = workspace.urls["course"].rpartition("/")[2].partition("?")[0]
    text = text.replace(f"{workspace.root}/", "").replace(database, "the database")
    for pattern, word in _MASKS:
        text = re.sub(pattern, word, text)
    return text


def left(workspace: Workspace) -> list[str]:
    """Return what a database has: the schema with its rows, the ledger's, the event log's.

    Alembic's version is a row like any other.
    """
    schema = workspace.dump("course", "--inserts", "--exclude-table-data=schema_migrations")
    ledger = _rows(workspace, "schema_migrations", "version")
    events = _rows(workspace, "schema_migrations_events", "id")
    return [
        *schema.splitlines(),
        *(f"ledger: {row}" for row in ledger),
        *(f"event: {row}" for row in events),
    ]


def _rows(workspace: Workspace, table: str, order: str) -> list[Any]:
    """Return a table of ours, its runs numbered as they came; nothing without it."""
    if not _exists(workspace, table):
        return []
    found = workspace.query(f"SELECT to_jsonb(t) FROM {table} t ORDER BY {order}")
    runs: dict[object, int] = {}
    for (row,) in found:
        if row.get("run"):
            row["run"] = runs.setdefault(row["run"], len(runs) + 1)
    return [_plain(row, workspace) for (row,) in found]


def _exists(workspace: Workspace, table: str) -> bool:
    return workspace.query(f"SELECT to_regclass('public.{table}') IS NOT NULL") == [(True,)]


def _plain(value: Any, workspace: Workspace) -> Any:
    if isinstance(value, dict):
        kept = {key: one for key, one in value.items() if key not in _OF_THE_RUN}
        if kept.get("lock_wait_ms") is not None:
            kept["lock_wait_ms"] = "waited" if kept["lock_wait_ms"] else "at once"
        return {key: _plain(one, workspace) for key, one in kept.items() if one is not None}
    if isinstance(value, list):
        return [_plain(one, workspace) for one in value]
    return masked(value, workspace) if isinstance(value, str) else value


def started(workspace: Workspace, door: str, command: str) -> subprocess.Popen[str]:
    """Start a command of a door and leave it running."""
    name, *options = command.split()
    if door == "alembic":
        return doors.start(workspace, "-m", "alembic", "-n", "course", name, *options)
    return doors.start(workspace, f"scripts/{name}.py", "--database", "course", *options)
