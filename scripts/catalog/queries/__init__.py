"""The queries that read the catalog: a file for each class of objects, or for a few alike."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
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
_OF_RELATIONS = (
    "columns",
    "constraints",
    "indexes",
    "policies",
    "relations",
    "rules",
    "sequences",
    "triggers",
)
"""Those that can be asked for some relations only: relations, and what is a part of one."""
_FOLDER = Path(__file__).parent
_GAP = re.compile(r"\{(own_schema|no_member|member|not_internal|of):([a-z_.]+)(?::([a-z_.]+))?\}")
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
    return {name: _complete(text, of="true") for name, text in _texts().items()}


@functools.cache
def statements() -> Mapping[str, str]:
    """Return what a snapshot runs: a query for each of the common classes, one for all others.

    The one for the others gives JSON, with a row's columns in their order: most databases have
    few such objects, and a message to the server for each class would take longer than to look.
    """
    common = {name: query for name, query in every().items() if name in _COMMON}
    others = [query for name, query in every().items() if name not in _COMMON]
    return {**common, "others": _as_json(others)}


def apart_from(relations: Iterable[int]) -> Mapping[str, str]:
    """Return the queries by the names of their files, for all but some relations.

    Args:
        relations: the oids of those that are left out, with their parts.
    """
    listed = ", ".join(str(int(oid)) for oid in sorted(relations))
    of = f"{{0}} <> ALL (ARRAY[{listed}]::oid[])"
    return {name: _complete(text, of=of) for name, text in _texts().items()}


@functools.cache
def of_relations() -> str:
    """Return what reads some relations and their parts, as JSON; $1 are their oids."""
    texts = _texts()
    return _as_json(_complete(texts[name], of="{0} = ANY ($1)") for name in _OF_RELATIONS)


@functools.cache
def of_the_rest() -> str:
    """Return what reads all that is neither a relation nor a part of one, as JSON."""
    rest = [query for name, query in every().items() if name not in _OF_RELATIONS]
    of_domains = _complete(_texts()["constraints"], of="{0} = 0")
    return _as_json([*rest, of_domains])


@functools.cache
def _texts() -> Mapping[str, str]:
    return {path.stem: path.read_text() for path in sorted(_FOLDER.glob("*.sql"))}


def _as_json(selects: Iterable[str]) -> str:
    return " UNION ALL ".join(
        f"SELECT row_to_json(q) FROM ({query}) q"  # noqa: S608 - our own files
        for query in selects
    )


def _complete(text: str, of: str) -> str:
    """Write out the conditions that nearly every query has.

    Args:
        text: a query.
        of: the condition for the relation that its rows belong to.
    """
    return _GAP.sub(lambda gap: _condition(gap, of), text)


def _condition(gap: re.Match[str], of: str) -> str:
    name, first, second = gap.groups()
    if name == "of":
        return of.format(first)
    if name == "own_schema":
        return _OWN_SCHEMA.format(first)
    if name == "not_internal":
        return f"NOT {_INTERNAL.format(first, second)}"
    member = _MEMBER.format(first, second)
    return f"NOT {member}" if name == "no_member" else member
