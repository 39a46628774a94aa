"""BetterAuth itself on the migrated auth database: nothing to add, and every call works."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support import clients
from tests.support.servers import OwnServer, own_server
from tests.support.workspace import REPOSITORY, Workspace

pytestmark = pytest.mark.database
NOTHING: dict[str, list[str]] = {
    "created": [],
    "added": [],
    "indexes": [],
    "unsafe": [],
    "problems": [],
}
PEOPLE = 20_000
_CROWD = """
INSERT INTO "user" (id, name, email, "emailVerified")
  SELECT 'u' || n, 'User ' || n, n || '@example.com', true FROM generate_series(1, {n}) n;
INSERT INTO session (id, "expiresAt", token, "updatedAt", "userId")
  SELECT 's' || n, now() + interval '1 day', 't' || n, now(), 'u' || n
  FROM generate_series(1, {n}) n;
INSERT INTO account (id, "accountId", "providerId", "userId", "updatedAt")
  SELECT 'a' || n, 'u' || n, 'credential', 'u' || n, now() FROM generate_series(1, {n}) n;
INSERT INTO verification (id, identifier, value, "expiresAt")
  SELECT 'v' || n, 'i' || n, 'x', now() + interval '1 day' FROM generate_series(1, {n}) n;
INSERT INTO "twoFactor" (id, secret, "backupCodes", "userId")
  SELECT 'f' || n, 's' || n, '', 'u' || n FROM generate_series(1, {n}) n;
ANALYZE;
"""


@pytest.fixture(autouse=True, scope="module")
def installed() -> None:
    """The packages are there, or the tests are skipped."""
    clients.install()


@pytest.fixture
def auth(workspace: Workspace) -> Workspace:
    """The project's auth migrations; none is applied yet."""
    workspace.add_released("auth")
    return workspace


def migrate(workspace: Workspace, *options: str) -> None:
    done = workspace.run("migrate", "--database", "auth", "--quiet", *options)
    assert done.returncode == 0, done.stderr


def better_auth(workspace: Workspace, what: str) -> Any:
    return clients.run("betterauth.mjs", what, AUTH_DB_URL=workspace.urls["auth"])


def test_its_own_migrator_has_nothing_to_do(auth: Workspace) -> None:
    migrate(auth, "--to", "1")
    assert better_auth(auth, "migrations")["core"] == NOTHING
    migrate(auth)
    assert better_auth(auth, "migrations") == {"core": NOTHING, "all": NOTHING}


def test_every_call_of_a_persons_life_works(auth: Workspace) -> None:
    migrate(auth)
    assert better_auth(auth, "calls") == {
        "signUp": ["ada@example.org", "user", "ada_l"],
        "session": True,
        "refreshed": True,
        "passwordChanged": True,
        "member": 1,
        "teamMember": 1,
        "twoFactor": [True, True],
        "apiKey": True,
        "banned": True,
        "passkeys": 1,
        "token": 3,
        "keys": 1,
        "otp": "bob@example.org",
        "magicLink": True,
        "rateLimits": True,
        # All that was hers is gone with her.
        "left": dict.fromkeys(
            ("session", "account", "twoFactor", "passkey", "member", "teamMember"), 0
        ),
        "users": ["bob@example.org"],
    }


def test_the_first_release_meets_every_later_schema_on_the_way_up_and_down(
    auth: Workspace,
) -> None:
    versions = sorted(path.name[:3] for path in (REPOSITORY / "sql/auth").glob("[0-9]*.sql"))
    works = {"email": True, "left": 0}
    for version in versions:
        migrate(auth, "--to", version)
        assert better_auth(auth, "core") == works, version
    for version in reversed(versions[:-1]):
        back = auth.run("rollback", "--database", "auth", "--to", version, "--yes", "-q")
        assert back.returncode == 0, back.stderr
        assert better_auth(auth, "core") == works, version


def _plans(server: OwnServer) -> list[str]:
    """Return the plans of BetterAuth's queries that read a table whole that has many rows."""
    entries = re.split(r"(?m)^(?=\[)", server.log())
    whole = re.compile(r'Seq Scan on "?(?:user|session|account|verification|twoFactor)"?[ \n]')
    return [one for one in entries if one.startswith("[better-auth]") and whole.search(one)]


def test_nothing_that_is_looked_up_is_read_whole_with_many_people(auth: Workspace) -> None:
    settings = {
        "session_preload_libraries": "auto_explain",
        "auto_explain.log_min_duration": "0",
        "auto_explain.log_nested_statements": "on",
        "log_destination": "stderr",
        "log_line_prefix": "[%a] ",
    }
    with own_server(settings=settings) as server:
        server.query("CREATE DATABASE auth")
        url = server.tcp_url("auth")
        done = auth.run(
            "migrate", "--database", "auth", "--quiet", environment={"AUTH_DB_URL": url}
        )
        assert done.returncode == 0, done.stderr
        server.query(_CROWD.format(n=PEOPLE), "auth")
        (server.folder / "log").write_text("")
        clients.run("betterauth.mjs", "calls", AUTH_DB_URL=url)
        assert re.search(r"(?m)^\[better-auth\] .*\n(?:\t.*\n)*?\t.*Index Scan", server.log())
        assert _plans(server) == []


def test_what_has_expired_is_deleted_and_nothing_else(auth: Workspace) -> None:
    migrate(auth)
    auth.query(_CROWD.format(n=100), "auth")
    auth.query(
        "UPDATE session SET \"expiresAt\" = now() - interval '1 hour' WHERE id < 's2'", "auth"
    )
    auth.query(
        "UPDATE verification SET \"expiresAt\" = now() - interval '1 s' WHERE id = 'v7'", "auth"
    )
    [(expired,)] = auth.query('SELECT count(*) FROM session WHERE "expiresAt" < now()', "auth")
    assert auth.query("SELECT purge_expired(5)", "auth") == [(6,)]
    assert auth.query("SELECT purge_expired()", "auth") == [(int(str(expired)) - 5,)]
    assert auth.query("SELECT purge_expired()", "auth") == [(0,)]
    assert auth.query("SELECT count(*) FROM verification", "auth") == [(99,)]


def test_the_application_reads_and_writes_and_no_more(auth: Workspace) -> None:
    migrate(auth)
    rows = auth.query(
        "SELECT relname, has_table_privilege('upskill_auth_app', c.oid, 'SELECT, INSERT'),"
        " has_table_privilege('upskill_auth_app', c.oid, 'TRUNCATE')"
        " FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'",
        "auth",
    )
    own = {"schema_migrations", "schema_migrations_events", "alembic_version"}
    assert {name for name, *_ in rows} > own
    assert {(name in own) is not may and not more for name, may, more in rows} == {True}
    [(may_create,)] = auth.query(
        "SELECT has_schema_privilege('upskill_auth_app', 'public', 'CREATE')", "auth"
    )
    assert may_create is False


def test_users_who_were_there_get_a_role(auth: Workspace) -> None:
    migrate(auth, "--to", "12")
    auth.query(_CROWD.format(n=5000), "auth")
    auth.query("UPDATE \"user\" SET role = 'admin' WHERE id = 'u1'", "auth")
    migrate(auth)
    assert auth.query(
        'SELECT role, banned, count(*) FROM "user" GROUP BY 1, 2 ORDER BY 1', "auth"
    ) == [
        ("admin", False, 1),
        ("user", False, 4999),
    ]
    back = auth.run("rollback", "--database", "auth", "--to", "12", "--yes", "-q")
    assert back.returncode == 0, back.stderr
    migrate(auth)


def test_every_table_and_column_says_what_it_is(auth: Workspace) -> None:
    migrate(auth)
    silent = auth.query(
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0"
        " AND NOT a.attisdropped AND c.relname !~ '^(schema_migrations|alembic_version)'"
        " AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)",
        "auth",
    )
    assert silent == []
