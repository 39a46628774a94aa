"""The queries that read the catalog: a file for each class of objects, or for a few alike."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path

_COMMON = (
    "columns",
    "constraints",
    "indexes",
    "relations",
    "routines",
    "sequences",
    "triggers",
    "types",
)
_FOLDER = Path(__file__).parent
_GAP = re.compile(r"\{(own_schema|no_member|member|not_internal):([a-z_.]+)(?::([a-z_.]+))?\}")
# The server's own objects, and the temporary ones of sessions.
_OWN_SCHEMA = (
    "{0} NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND {0} !~ '^pg_(toast_)?temp_'"
)
# https://www.postgresql.org/docs/current/catalog-pg-depend.html: what an extension has made goes
# with it, and is what its version says.
_MEMBER = (
    "EXISTS (SELECT FROM pg_depend x WHERE x.classid = '{0}'::regclass AND x.objid = {1}"
    " AND x.deptype = 'e')"
)
# What the server has made for something else, such as the constructors of a range.
_INTERNAL = _MEMBER.replace("'e'", "'i'")


@functools.cache
def every() -> Mapping[str, str]:
    """Return the queries by the names of their files, complete.

    Each gives rows of a class, a name, perhaps the `parent` that it is a part of, in this order,
    and attributes: what is NULL, or an empty array, is left out. They are to be run with a search
    path of pg_catalog alone, so that all names are written in full.
    """
    return {path.stem: _complete(path.read_text()) for path in sorted(_FOLDER.glob("*.sql"))}


@functools.cache
def statements() -> Mapping[str, str]:
    """Return what a snapshot runs: a query for each of the common classes, one for all others.

    The one for the others gives JSON, with a row's columns in their order: most databases have
    few such objects, and a message to the server for each class would take longer than to look.
    """
    common = {name: query for name, query in every().items() if name in _COMMON}
    others = [
        f"SELECT row_to_json(q) FROM ({query}) q"  # noqa: S608 - our own files
        for name, query in every().items()
        if name not in _COMMON
    ]
    return {**common, "others": " UNION ALL ".join(others)}


def _complete(text: str) -> str:
    """Write out the conditions that nearly every query has."""
    return _GAP.sub(_condition, text)


def _condition(gap: re.Match[str]) -> str:
    name, first, second = gap.groups()
    if name == "own_schema":
        return _OWN_SCHEMA.format(first)
    if name == "not_internal":
        return f"NOT {_INTERNAL.format(first, second)}"
    member = _MEMBER.format(first, second)
    return f"NOT {member}" if name == "no_member" else member
