"""Names and numbers of migration files, and the revision files that go with them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from scripts.checks.finding import Finding
from scripts.errors import HistoryError
from scripts.files import history
from scripts.files.history import Entry
from scripts.files.project import Environment, shown


def problems(environment: Environment, found: list[HistoryError]) -> Iterator[Finding]:
    """Report what `history.survey` found wrong with the files' names."""
    for problem in found:
        yield Finding(
            code=problem.code,
            database=environment.name,
            path=problem.where or shown(environment.sql),
            message=problem.what,
            way_out=problem.way_out,
        )


def gaps(environment: Environment, entries: tuple[Entry, ...]) -> Iterator[Finding]:
    """Find numbers that are left out."""
    expected = 1
    for entry in entries:
        if entry.number > expected:
            missing = str(expected).zfill(len(entry.version))
            yield Finding(
                code="number-gap",
                database=environment.name,
                path=shown(entry.path),
                message=f"version {entry.version} is there, and {missing} is not",
                way_out=f"if it is not released, make it {missing}: {history.RENUMBERING}",
            )
        expected = entry.number + 1


def chain(environment: Environment, entries: tuple[Entry, ...]) -> Iterator[Finding]:
    """Hold each revision file against the one shape that it may have."""
    below: Entry | None = None
    heads: dict[object, str] = {}
    for entry in entries:
        path = environment.versions / f"{entry.path.stem}.py"
        if path.is_file():
            revision = _Revision(environment.name, shown(path), path.read_bytes(), entry, below)
            yield from revision.findings()
            parent = revision.values.get("down_revision")
            if parent in heads:
                yield revision.finding(
                    "several-heads",
                    f"{heads[parent]} and {entry.version} both come after {parent or 'base'}",
                    f"each comes after the number below: here down_revision = {_quoted(below)}",
                )
            heads[parent] = entry.version
        below = entry


def _quoted(below: Entry | None) -> str:
    return f'"{below.version}"' if below else "None"


class _Revision:
    """A revision file, read without running it."""

    def __init__(
        self, environment: str, path: str, data: bytes, entry: Entry, below: Entry | None
    ) -> None:
        self._environment, self._path = environment, path
        self._expected = {
            "revision": entry.version,
            "down_revision": below.version if below else None,
        }
        self.values: dict[str, object] = {}
        self._more: list[ast.stmt] = []
        self._points = False
        self._broken = ""
        try:
            tree = ast.parse(data, path)
        except (SyntaxError, ValueError) as error:
            self._broken = str(error)
            return
        for node in tree.body:
            self._look(node)

    def findings(self) -> Iterator[Finding]:
        """Say what is not as it has to be."""
        if self._broken:
            yield self.finding("revision-code", f"it is no Python: {self._broken}", _SHAPE)
            return
        for name, expected in self._expected.items():
            if name not in self.values:
                yield self.finding(
                    "broken-chain", f"it does not set {name}", f"write {name} = {expected!r}"
                )
            elif self.values[name] != expected:
                yield self.finding(
                    "broken-chain",
                    f"{name} is {self.values[name]!r} and has to be {expected!r}",
                    "the chain of revisions follows the numbers of the files",
                )
        if not self._points:
            yield self.finding(
                "revision-code", "it does not point Alembic at its migration file", _SHAPE
            )
        for node in self._more:
            what = ast.unparse(node).partition("\n")[0][:60]
            yield self.finding(
                "revision-code", f"it does more than point at its SQL: {what}", _SHAPE, node.lineno
            )

    def finding(self, code: str, message: str, way_out: str, line: int = 0) -> Finding:
        """Return a finding in this file."""
        return Finding(
            code=code,
            database=self._environment,
            path=self._path,
            line=line,
            message=message,
            way_out=way_out,
        )

    def _look(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr(ast.Constant(str())) | ast.ImportFrom(module="__future__"):
                pass
            case ast.ImportFrom(module="scripts.engine.revision"):
                pass
            case ast.Assign([ast.Name(name)], ast.Constant(value)):
                self.values[name] = value
                if name not in (*self._expected, "branch_labels", "depends_on"):
                    self._more.append(node)
            case ast.Assign() if ast.unparse(node) == _POINTS:
                self._points = True
            case _:
                self._more.append(node)


_POINTS = "upgrade, downgrade = migration(__file__)"
_SHAPE = f"the file has revision, down_revision and `{_POINTS}`; what is to run stands in SQL"
