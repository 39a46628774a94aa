"""Which columns of the server's catalogs the queries of a snapshot read, by their text."""

from __future__ import annotations

import re
from collections import defaultdict

_SOURCE = re.compile(r"\b(?:FROM|JOIN)\s+(pg_\w+)\s+(\w+)", re.IGNORECASE)
_COLUMN = re.compile(r"\b(\w+)\.(\w+)\b")
_BY_NAME = re.compile(r"to_jsonb\((\w+)\)(?:->>|\s+AS\s+r\b)'?(\w*)'?")
_OF_ROW = re.compile(r"\bj\.r->>'(\w+)'")


def columns_read(text: str) -> dict[str, set[str]]:
    """Return the columns that a query names, by catalog.

    Args:
        text: a query in which each catalog has an alias, and each column the alias before it.
    """
    aliases: dict[str, set[str]] = defaultdict(set)
    for catalog, alias in _SOURCE.findall(text):
        aliases[alias].add(catalog)
    found: dict[str, set[str]] = defaultdict(set)
    for alias, column in _COLUMN.findall(text):
        for catalog in aliases.get(alias, ()):
            found[catalog].add(column)
    for alias, column in _BY_NAME.findall(text):
        for catalog in aliases.get(alias, ()):
            found[catalog].update([column] if column else _OF_ROW.findall(text))
    return found
