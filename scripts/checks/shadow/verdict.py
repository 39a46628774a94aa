"""What the shadow has seen → findings: failures, and differences as DDL."""

from __future__ import annotations

from collections.abc import Sequence

from scripts.catalog import ddl
from scripts.catalog.diff import Difference
from scripts.checks.finding import Finding
from scripts.checks.shadow import blame
from scripts.checks.shadow.stage import Failed
from scripts.checks.tree.source import Source
from scripts.sqltext.statements import Statement

_LACKING = (
    "give a server that has what it needs with --shadow-url, or stand-ins in sql/{}/shadow.sql"
)
_LEGENDS = {
    "shadow-up-changes-again": "`-` is there after the first run, `+` after the second",
    "shadow-down-differs": "`-` was there before UP, `+` is there after DOWN",
    "shadow-down-changes-again": "`-` is there after the first run, `+` after the second",
    "shadow-again-differs": "`-` was there after the first UP, `+` after the one behind DOWN",
}
"""What the marks of a difference mean."""


def failure(path: str, environment: str, code: str, what: str, failed: Failed) -> Finding:
    """Return the finding about a section that could not be run.

    Args:
        path: of its file, as people name it.
        environment: the file's.
        code: of the finding, unless it is the server that lacks something.
        what: "the UP fails".
        failed: why.
    """
    if failed.is_lacking:
        code, what = "shadow-not-proven", "it cannot run here"
    return Finding(
        code=code,
        message=f"{what}: {failed.reason}",
        path=path,
        line=failed.line,
        database=environment,
        detail=failed.detail,
        hint=_LACKING.format(environment) if failed.is_lacking else "",
    )


def differing(
    source: Source,
    code: str,
    message: str,
    found: Sequence[Difference],
    statements: Sequence[Statement],
) -> Finding:
    """Return the finding about a catalog that is not as it should be.

    Args:
        source: the file.
        code: of the finding.
        message: one sentence.
        found: what differs.
        statements: of the section that it goes back to.
    """
    lines = [line for one in found for line in ddl.lines(one)]
    places = [line for one in found if (line := blame.line_of(one, statements))]
    return source.finding(
        code,
        message,
        line=min(places, default=0),
        detail=ddl.shortened(lines),
        hint=_LEGENDS.get(code, ""),
    )


def of_server(source: Source, left: Sequence[str], statements: Sequence[Statement]) -> Finding:
    """Return the finding about what belongs to the server and is not as it was before UP.

    Args:
        source: the file.
        left: a line for each object: `+ role reader`.
        statements: of its UP.
    """
    names = (line.split(maxsplit=2)[2] for line in left)
    places = (blame.line_of_name(name, statements) for name in names)
    return source.finding(
        "shadow-server-changed",
        "UP and DOWN leave a change of the server, which all its databases share",
        line=min(filter(None, places), default=0),
        detail="\n".join(left),
    )
