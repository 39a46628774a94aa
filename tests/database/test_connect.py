"""Reaching the server: patience where waiting helps, an error at once where it does not."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress

import psycopg2
import pytest

from scripts.embedded.server import Server
from scripts.errors import ServerError
from tests.support.companions import replica_of, tls_server
from tests.support.doors import DOORS, start
from tests.support.servers import OwnServer, own_server, until
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
ROOM = 8
"""Connections that the server takes."""


@pytest.fixture
def patient(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    workspace.add_tables("001")
    monkeypatch.setenv("MIGRATION_CONNECT_WAIT", "60s")
    return workspace


@pytest.fixture
def own() -> Iterator[OwnServer]:
    with own_server(settings={"max_connections": str(ROOM)}) as server:
        yield server


def running(workspace: Workspace, url: str) -> subprocess.Popen[str]:
    return start(
        workspace,
        *DOORS["alembic"],
        environment={"COURSE_DB_URL": url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def test_a_server_that_is_not_up_yet_is_waited_for_with_a_line_on_each_try(
    patient: Workspace, own: OwnServer
) -> None:
    own.stop()
    run = running(patient, own.url())
    assert run.stderr
    said = [run.stderr.readline() for _ in range(2)]
    own.start()
    rest = run.communicate(timeout=60)[1]
    assert run.returncode == 0, rest
    for line in said:
        assert re.match(r"course: cannot connect \(.+\); retrying for up to \d+ s\n", line)
        assert "Connection refused" in line or "No such file or directory" in line
    assert "course: applied 001_step.sql" in rest


def test_a_server_that_has_no_room_is_waited_for(patient: Workspace, own: OwnServer) -> None:
    with ExitStack() as others:
        taken = 0
        while taken < ROOM:  # somebody may still be on the way out
            with suppress(psycopg2.OperationalError):
                others.enter_context(closing(psycopg2.connect(own.url())))
                taken += 1
        run = running(patient, own.url())
        assert run.stderr
        assert "cannot connect (" in run.stderr.readline()
    assert run.communicate(timeout=60)[1]
    assert run.returncode == 0


def test_a_server_that_recovers_from_a_crash_is_waited_for(
    patient: Workspace, own: OwnServer
) -> None:
    own.query("CREATE TABLE t AS SELECT generate_series(1, 300000)")
    own.kill()
    own.start(wait=False)
    run = running(patient, own.url())
    errors = run.communicate(timeout=60)[1]
    assert run.returncode == 0, errors


def test_an_address_that_takes_nobody_in_fails_when_the_time_is_over(
    patient: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_CONNECT_WAIT", "600ms")
    with closing(socket.socket()) as deaf:
        deaf.bind(("127.0.0.1", 0))  # and never listens
        address = f"127.0.0.1:{deaf.getsockname()[1]}"
        monkeypatch.setenv("COURSE_DB_URL", f"postgresql://u:hidden@{address}/course")
        with pytest.raises(ServerError, match=r"cannot connect to 127\.0\.0\.1") as caught:
            patient.upgrade()
    assert "Connection refused" in caught.value.detail
    assert "times in 600 ms" in caught.value.detail
    assert caught.value.state == "nothing was changed"
    assert "hidden" not in str(caught.value) + "".join(patient.recorder.notices)


@pytest.mark.parametrize(
    ("parameters", "settings"),
    [
        ("", {"MIGRATION_CONNECT_TIMEOUT": "1s"}),
        ("?connect_timeout=1", {"MIGRATION_CONNECT_TIMEOUT": "10min"}),
        ("", {"PGCONNECT_TIMEOUT": "1", "MIGRATION_CONNECT_TIMEOUT": "10min"}),
    ],
    ids=["setting", "url", "libpq's variable"],
)
def test_a_server_that_never_answers_is_given_up(
    patient: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    parameters: str,
    settings: dict[str, str],
) -> None:
    monkeypatch.setenv("MIGRATION_CONNECT_WAIT", "0")
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv("COURSE_DB_URL", f"postgresql://u@127.0.0.1:{port}/c{parameters}")
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(ServerError, match="cannot connect") as caught:
            patient.upgrade()
    assert "timeout expired" in caught.value.detail


class TestAtOnce:
    """Waiting would not help."""

    def refused(self, workspace: Workspace, url: str) -> str:
        """Return the error's detail; nothing may have been tried again."""
        done = workspace.run(
            "migrate", "--database", "course", environment={"COURSE_DB_URL": url}, timeout=30
        )
        assert done.returncode == 1
        assert "can't connect yet" not in done.stderr
        assert "tried" not in done.stderr
        return done.stderr

    def test_an_unknown_database(self, patient: Workspace) -> None:
        url = patient.urls["course"].replace("/course_", "/nowhere_")
        assert "does not exist" in self.refused(patient, url)

    def test_an_unknown_role(self, patient: Workspace) -> None:
        url = patient.urls["course"].replace("migrator@", "stranger@")
        assert 'role "stranger" does not exist' in self.refused(patient, url)

    def test_a_wrong_password(self, patient: Workspace, own: OwnServer) -> None:
        own.query("CREATE ROLE app LOGIN PASSWORD 'right'")
        (own.data / "pg_hba.conf").write_text("local all postgres trust\nhost all all all md5\n")
        own.query("SELECT pg_reload_conf()")
        url = own.tcp_url(user="app").replace("app@", "app:wr0ng@")
        said = self.refused(patient, url)
        assert 'password authentication failed for user "app"' in said
        assert "wr0ng" not in said

    def test_a_wrong_authority_and_a_server_without_tls(self, patient: Workspace) -> None:
        with tls_server() as (server, made):
            good, bad = (
                server.tcp_url(host="localhost", sslmode="verify-full", sslrootcert=str(ca))
                for ca in (made.ca, made.other_ca)
            )
            assert "certificate verify failed" in self.refused(patient, bad)
            done = patient.run(
                "migrate", "--database", "course", environment={"COURSE_DB_URL": good}
            )
            assert done.returncode == 0, done.stderr
            assert server.query("SELECT version FROM schema_migrations") == [("001",)]

    def test_tls_wanted_from_a_server_that_has_none(
        self, patient: Workspace, own: OwnServer
    ) -> None:
        assert "does not support SSL" in self.refused(patient, own.tcp_url(sslmode="require"))


def test_a_replica_is_refused_before_anything(patient: Workspace, own: OwnServer) -> None:
    with replica_of(own) as replica:
        for command in (
            *DOORS.values(),
            ("-m", "alembic", "-n", "course", "stamp", "001"),
        ):
            done = patient.execute(
                sys.executable, *command, environment={"COURSE_DB_URL": replica.url()}
            )
            assert done.returncode == 1
            assert "error:  the server is read-only" in done.stderr
            assert "it is a replica" in done.stderr
            assert "state:  nothing was changed" in done.stderr
        status = patient.run(
            "status", "--database", "course", environment={"COURSE_DB_URL": replica.url()}
        )
        assert "\n  empty, 0 applied" in status.stdout


def test_a_database_set_to_read_only_is_refused(patient: Workspace) -> None:
    [(name,)] = patient.query("SELECT current_database()")
    patient.query(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with pytest.raises(ServerError, match="read-only") as caught:
        patient.upgrade()
    assert "default_transaction_read_only" in caught.value.detail


class TestRole:
    """MIGRATION_ROLE."""

    @pytest.fixture
    def owner(
        self, workspace: Workspace, postgres: Server, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[str]:
        """A role that owns schema app; the login is a member and has no rights of its own."""
        [(name,)] = workspace.query("SELECT current_database()")
        role = f"owner_{name}"
        admin = postgres.url(name)
        with closing(psycopg2.connect(admin)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute(f"CREATE ROLE {role}; GRANT {role} TO migrator")
            cursor.execute(f"CREATE SCHEMA app AUTHORIZATION {role}")
            cursor.execute(f"ALTER DATABASE {name} OWNER TO postgres")
            monkeypatch.setenv("MIGRATION_ROLE", role)
            monkeypatch.setenv("MIGRATION_TABLE", "app.schema_migrations")
            yield role
            cursor.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")

    def test_it_owns_what_is_created(self, workspace: Workspace, owner: str) -> None:
        workspace.add("001", "CREATE TABLE app.a (id int);", "DROP TABLE app.a;")
        workspace.add(
            "002",
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON app.a (id);",
            "DROP INDEX CONCURRENTLY app.i;",
            header="-- Transaction: none\n",
        )
        workspace.add("003", "SET ROLE NONE;\nSELECT 1;")
        workspace.upgrade()
        owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'app'"
        names = "SELECT tablename FROM pg_tables WHERE schemaname = 'app' ORDER BY 1"
        assert workspace.query(owners) == [(owner,)]
        assert workspace.recorder.notices == []
        assert workspace.state().current == "003"
        workspace.downgrade("base")
        assert ("a",) not in workspace.query(names)
        done = workspace.run("status", "--database", "course", "--events", "1")
        assert "rollback  001" in done.stdout

    def test_a_role_that_the_login_has_not_is_an_error(
        self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workspace.add_tables("001")
        monkeypatch.setenv("MIGRATION_ROLE", "nobody's")
        with pytest.raises(ServerError, match="cannot assume the role nobody's") as caught:
            workspace.upgrade()
        assert "does not exist" in caught.value.detail
        assert caught.value.state == "nothing was changed"


def test_threads_of_an_embedder_are_served_while_a_run_watches(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_LOCK_TIMEOUT", "10min")
    workspace.query("CREATE TABLE a (id int)")
    workspace.add("001", "LOCK TABLE a;")
    with closing(psycopg2.connect(workspace.urls["course"])) as other:
        other.cursor().execute("LOCK TABLE a")
        run = threading.Thread(target=workspace.upgrade)
        run.start()
        until(lambda: workspace.recorder.notices, "the run to be at it")
        answers = [workspace.query("SELECT 7") for _ in range(20)]
        assert run.is_alive()
    run.join(30)
    assert answers == [[(7,)]] * 20
    assert workspace.versions() == ["001"]
    assert psycopg2.extensions.get_wait_callback() is None
