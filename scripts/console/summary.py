"""What a validation found, as Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scripts.checks.finding import Extent, Finding
from scripts.checks.touch import Touch
from scripts.errors import counted

_HEAD = "| line | statement | table | lock | effect |\n|---:|---|---|---|---|"


def append(
    path: Path, found: Sequence[Finding], looked_at: Extent, touches: Sequence[Touch]
) -> None:
    """Append the summary to a file, as GitHub wants its own: `$GITHUB_STEP_SUMMARY`.

    https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands

    Raises:
        OSError: when it cannot be written.
    """
    with path.open("a", encoding="utf-8") as file:
        file.write(markdown(found, looked_at, touches))


def markdown(found: Sequence[Finding], looked_at: Extent, touches: Sequence[Touch]) -> str:
    """Return the summary: findings with their details, and the locks of each file."""
    parts = ["## Migrations", f"{counted(len(found), 'finding')} in {looked_at}"]
    for one in found:
        parts.append(f"**{one.severity.value}** `{one.where}` {one.message} `[{one.code}]`")
        if one.detail:
            parts.append(f"```diff\n{one.detail}\n```")
        if one.hint:
            parts.append(f"> {one.hint}")
    for path in dict.fromkeys(one.path for one in touches):
        rows = [_row(one) for one in touches if one.path == path]
        parts += [f"### Locks of `{path}`", "\n".join([_HEAD, *rows])]
    return "\n\n".join(parts) + "\n"


def _row(touch: Touch) -> str:
    mark = "``" if "`" in touch.statement else "`"
    cells = (
        str(touch.line),
        f"{mark}{touch.statement}{mark}",
        touch.table,
        touch.lock,
        touch.effects,
    )
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
