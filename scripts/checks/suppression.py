"""`-- validate: ignore CODE reason` above a statement silences one finding there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from scripts.checks import rules
from scripts.checks.finding import Finding
from scripts.checks.tree.source import Source
from scripts.sqltext import lexer
from scripts.sqltext.lexer import Kind
from scripts.sqltext.statements import Statement

_COMMENT = re.compile(r"--\s*validate:\s*(\S*)\s*(\S*)\s*(.*?)\s*", re.DOTALL)


@dataclass
class Ignore:
    """One such comment."""

    code: str
    line: int
    first: int
    last: int
    """The lines of the statement below it, with the comments above it."""
    used: bool = field(default=False)


class Ignores:
    """The comments of one file."""

    def __init__(self, source: Source) -> None:
        """Read the comments of both sections."""
        self._source = source
        self._all: list[Ignore] = []
        self.problems: list[Finding] = []
        for parsed in source.statements:
            self._all += self._read(parsed.statement)

    def apply(self, found: Iterable[Finding]) -> Iterator[Finding]:
        """Yield the findings that no comment silences."""
        for finding in found:
            ignore = next((one for one in self._all if _silences(one, finding)), None)
            if ignore:
                ignore.used = True
            else:
                yield finding

    def unused(self, looked_for: Callable[[str], bool]) -> Iterator[Finding]:
        """Find comments that silence nothing.

        Args:
            looked_for: tells whether the check of a code was run.
        """
        for ignore in self._all:
            if not ignore.used and looked_for(ignore.code):
                yield self._source.finding(
                    "unused-ignore",
                    f"this comment silences nothing: no {ignore.code} was found here",
                    line=ignore.line,
                    hint="remove the comment",
                )

    def _read(self, statement: Statement) -> Iterator[Ignore]:
        text = statement.text
        ahead = text[: statement.body]
        last = statement.line_at(len(text))
        for token in lexer.tokens(ahead):
            written = _COMMENT.fullmatch(text[token.start : token.end])
            if token.kind is not Kind.LINE_COMMENT or written is None:
                continue
            line = statement.line - text.count("\n", token.start, statement.body)
            problem = _problem(*written.groups())
            if problem:
                self.problems.append(
                    self._source.finding(
                        "bad-ignore",
                        problem,
                        line=line,
                        hint="write '-- validate: ignore CODE reason'",
                    )
                )
            else:
                yield Ignore(written[2], line, line, last)


def _problem(verb: str, code: str, reason: str) -> str:
    if verb != "ignore":
        return f"unknown instruction 'validate: {verb}'"
    if code in rules.planned():
        return f"check '{code}' is planned and does not exist yet, so there is nothing to ignore"
    if code not in rules.every():
        return f"there is no check '{code}' to ignore"
    return "" if reason else f"the reason is missing: why is {code} safe to ignore here?"


def _silences(ignore: Ignore, finding: Finding) -> bool:
    return ignore.code == finding.code and ignore.first <= finding.line <= ignore.last
