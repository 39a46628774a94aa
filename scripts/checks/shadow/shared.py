"""What belongs to a server and all its databases, and what of all that is ours."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

PREFIX = "upskill_shadow_"
"""What the names of our databases begin with: they are none of anybody's objects."""
SCHEMA = "upskill_shadow"
"""Where a shadow's ledger and event log are, so that nothing of ours is taken for a migration's."""
Shared = Mapping[tuple[str, str], str]
"""Kind and name of each object, and what else is known of it."""
_QUERY = """
SELECT 'role', r.rolname, concat_ws(' ', r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb,
  r.rolcanlogin, r.rolreplication, r.rolbypassrls, r.rolconnlimit, r.rolvaliduntil, r.rolconfig,
  (SELECT array_agg((m.roleid, m.admin_option) ORDER BY m.roleid) FROM pg_auth_members m
    WHERE m.member = r.oid))
FROM pg_roles r
UNION ALL SELECT 'tablespace', s.spcname, concat_ws(' ', s.spcowner, s.spcacl, s.spcoptions)
FROM pg_tablespace s
UNION ALL SELECT 'database', d.datname, '' FROM pg_database d
WHERE pg_get_userbyid(d.datdba) = current_user AND d.datname NOT LIKE %(ours)s
"""


def read(connection: Connection) -> Shared:
    """Return what is on a server, of databases only those that are the user's."""
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, {"ours": f"{PREFIX}%"})
        return {(kind, name): known for kind, name, known in cursor}


def differences(before: Shared, after: Shared) -> list[str]:
    """Return a line for each object that is not the same: `+ role reader`."""
    lines = []
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key):
            mark = "+" if key not in before else "-" if key not in after else "~"
            lines.append(f"{mark} {' '.join(key)}")
    return lines
