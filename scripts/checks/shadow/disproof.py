"""Which findings about the text the run has seen to be otherwise."""

from __future__ import annotations

from scripts.catalog.snapshot import Snapshot
from scripts.checks.finding import Finding
from scripts.checks.shadow import blame
from scripts.checks.shadow.proof import Proven
from scripts.checks.tree.source import Source

_OF_ROWS = ("INSERT", "UPDATE", "DELETE", "MERGE", "COPY", "WITH", "SELECT", "VALUES")
"""What changes rows, which nobody has compared."""
_WITH_DATA = ("table", "foreign table", "materialized view", "sequence")


def disproves(proven: Proven, finding: Finding, source: Source, before: Snapshot) -> bool:
    """Tell whether a proof disproves a finding about the text.

    Args:
        proven: what came out for the migration.
        finding: of any file.
        source: the migration.
        before: what the database had ahead of it.
    """
    if finding.path != source.path or source.file is None:
        return False
    at = [one.statement for one in source.statements if one.statement.line == finding.line]
    if finding.code == "not-repeatable":
        if any(one.command in _OF_ROWS for one in at):
            return False
        repeats = {one.code for one in proven.findings}
        down_again = proven.down and "shadow-down-not-repeatable" not in repeats
        return down_again if finding.line >= source.file.down.line else proven.up_again
    if finding.code != "foreign-drop" or not proven.down:
        return False
    # What was there and is there again may have lost its rows.
    had_data = (one.name for one in before.records.values() if one.kind in _WITH_DATA)
    return not any(blame.line_of_name(name, at) for name in had_data)
