"""validate.py --plan: what pending migrations will lock on a database, and how large that is."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from scripts.catalog import unlocked
from scripts.checks.live import plan
from scripts.checks.live.plan import Plan
from scripts.checks.touch import Touch, Weight
from tests.support.servers import OwnServer
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database
PLAN = ("--plan", "--database", "course")
ROWS = 200_000
STATEMENTS = (
    "ALTER TABLE orders ALTER COLUMN total TYPE bigint;",
    "ALTER TABLE orders ADD CONSTRAINT positive CHECK (total >= 0);",
    "CREATE INDEX IF NOT EXISTS orders_customer ON orders (customer);",
    "ALTER TABLE customers ADD COLUMN IF NOT EXISTS note text;",
)


@pytest.fixture
def large(workspace: Workspace) -> Workspace:
    """A database with one migration applied and many rows; another migration is pending."""
    workspace.add(
        "001",
        "CREATE TABLE IF NOT EXISTS customers (id int PRIMARY KEY);\n"
        "CREATE TABLE IF NOT EXISTS orders (id int, customer int, total int);",
        "SELECT 1;",
    )
    workspace.upgrade()
    workspace.query(f"INSERT INTO orders SELECT n, n, n FROM generate_series(1, {ROWS}) n")
    workspace.query("ANALYZE orders")
    workspace.add("002", "\n".join(STATEMENTS), "SELECT 1;")
    return workspace


def locks(workspace: Workspace) -> list[dict[str, Any]]:
    done = workspace.run("validate", *PLAN, "--format", "json")
    assert done.returncode in (0, 1), done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["locks"]
    return found


def seen(connection: Connection, statement: str) -> dict[str, tuple[str, bool]]:
    """Run a statement; return the strongest locks that it took, and what it has rewritten."""
    strengths = (
        "ShareUpdateExclusiveLock",
        "ShareLock",
        "ShareRowExclusiveLock",
        "AccessExclusiveLock",
    )
    with connection.cursor() as cursor:
        files = "SELECT relname, relfilenode FROM pg_class WHERE relname IN ('orders', 'customers')"
        cursor.execute(files)
        before = dict(cursor.fetchall())
        cursor.execute(statement)
        cursor.execute(files)
        after = dict(cursor.fetchall())
        cursor.execute(
            "SELECT c.relname, array_agg(l.mode) FROM pg_locks l JOIN pg_class c"
            " ON c.oid = l.relation WHERE l.pid = pg_backend_pid() AND l.granted"
            " AND c.relname IN ('orders', 'customers') GROUP BY 1"
        )
        held = {
            name: max((one for one in modes if one in strengths), key=strengths.index, default="")
            for name, modes in cursor.fetchall()
        }
    connection.commit()
    return {
        f"public.{name}": (mode, before[name] != after[name]) for name, mode in held.items() if mode
    }


def test_what_it_announces_is_what_the_run_does(large: Workspace) -> None:
    announced = locks(large)
    with closing(psycopg2.connect(large.urls["course"])) as connection:
        happened = [seen(connection, statement) for statement in STATEMENTS]
    by_statement: list[dict[str, tuple[str, bool]]] = [
        {
            one["table"]: (one["mode"], one["rewrites"])
            for one in announced
            if one["statement"] == statement
        }
        for statement in STATEMENTS
    ]
    # Within its transaction, a weaker lock on a table that has a stronger one is no news.
    assert by_statement[2] == {}
    assert happened[2] == {"public.orders": ("ShareLock", False)}
    assert [by_statement[0], by_statement[1], by_statement[3]] == [
        happened[0],
        happened[1],
        happened[3],
    ]
    assert [one["rows"] for one in announced if one["table"] == "public.orders"] == [ROWS, ROWS]
    assert all(one["bytes"] > 1_000_000 for one in announced if one["table"] == "public.orders")


def test_people_read_the_size_beside_the_lock(large: Workspace) -> None:
    summary = large.root / "summary.md"
    done = large.run("validate", *PLAN, "--summary", "summary.md")
    assert "sql/course/002_step.sql locks:\n" in done.stdout
    assert "  line 5: ALTER TABLE orders ALTER COLUMN total TYPE bigint;\n" in done.stdout
    assert "ACCESS EXCLUSIVE on public.orders: blocks reads and writes; rewrites " in done.stdout
    assert "MB (200,000 rows)" in done.stdout
    assert "MB (200,000 rows) |" in summary.read_text()
    assert large.query("SELECT count(*) FROM schema_migrations") == [(1,)]


def touch(mode: str) -> Touch:
    name = "public.orders"
    return Touch("002.sql", 5, "ALTER", name, mode, rewrites=False, scans=False, live=name)


def test_who_is_in_the_way_is_said(large: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = Plan((touch("AccessExclusiveLock"),), ())
    url = large.urls["course"]
    with (
        closing(psycopg2.connect(url, application_name="a report")) as other,
        closing(psycopg2.connect(url)) as asking,
    ):
        other.cursor().execute("SELECT count(*) FROM orders")
        # A transaction that has just begun is over before anybody has read of it.
        assert plan.weighed(asking, "course", ahead).findings == ()
        monkeypatch.setattr(plan, "_LONG_S", 0)
        (found,) = plan.weighed(asking, "course", ahead).findings
        pid = other.info.backend_pid
    assert found.code == "live-in-the-way"
    assert found.message.startswith(f"pid {pid} (a report) has had a lock on public.orders")
    assert found.hint == f"let it end, or end it: SELECT pg_terminate_backend({pid})"


def test_who_has_a_lock_that_is_in_nobodys_way_is_not(
    large: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "_LONG_S", 0)
    index = touch("ShareLock")
    url = large.urls["course"]
    with closing(psycopg2.connect(url)) as other, closing(psycopg2.connect(url)) as asking:
        other.cursor().execute("SELECT count(*) FROM orders")
        assert plan.weighed(asking, "course", Plan((index,), ())).findings == ()
        other.cursor().execute("LOCK TABLE orders IN ROW EXCLUSIVE MODE")
        (found,) = plan.weighed(asking, "course", Plan((index,), ())).findings
    assert found.detail.startswith("RowExclusiveLock: a pending migration waits for its end")


def test_a_prepared_transaction_is_in_the_way(
    own: OwnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "_LONG_S", 0)
    own.stop()
    with (own.data / "postgresql.auto.conf").open("a") as settings:
        settings.write("max_prepared_transactions = 2\n")
    own.start()
    own.query("CREATE TABLE orders (id int)")
    with (
        closing(psycopg2.connect(own.url())) as other,
        closing(psycopg2.connect(own.url())) as asking,
    ):
        other.cursor().execute("LOCK TABLE orders; PREPARE TRANSACTION 'left over'")
        ahead = Plan((touch("AccessExclusiveLock"),), ())
        (found,) = plan.weighed(asking, "course", ahead).findings
        asking.rollback()
        look = unlocked.take(asking)
    assert found.message.startswith("the prepared transaction left over has had a lock on")
    assert found.hint.endswith("COMMIT PREPARED or ROLLBACK PREPARED")
    assert look.locked == ()


def test_a_partitioned_table_is_what_its_partitions_are(workspace: Workspace) -> None:
    workspace.add(
        "001",
        "CREATE TABLE IF NOT EXISTS events (id int, month int) PARTITION BY LIST (month);\n"
        "CREATE TABLE IF NOT EXISTS events_1 PARTITION OF events FOR VALUES IN (1);",
        "SELECT 1;",
    )
    workspace.upgrade()
    # As a job makes them, month by month.
    workspace.query("CREATE TABLE events_2 PARTITION OF events FOR VALUES IN (2)")
    workspace.query("INSERT INTO events SELECT n, 1 + n % 2 FROM generate_series(1, 100000) n")
    workspace.query("ANALYZE events_1; ANALYZE events_2")
    workspace.add("002", "ALTER TABLE events ALTER COLUMN id TYPE bigint;", "SELECT 1;")
    found = {one["table"]: one for one in locks(workspace)}
    assert found["public.events"]["rows"] == 100_000
    assert found["public.events"]["rewrites"]
    assert found["public.events_1"]["rows"] == 50_000


def test_a_table_that_is_renamed_on_the_way_is_looked_up_by_its_name_now(large: Workspace) -> None:
    large.remove("002")
    large.add("002", "ALTER TABLE orders RENAME TO old_orders;", "SELECT 1;")
    up = "CREATE TABLE IF NOT EXISTS orders (id int);\nALTER TABLE orders ADD IF NOT EXISTS a int;"
    large.add("003", up, "SELECT 1;")
    large.add("004", "ALTER TABLE old_orders ALTER COLUMN total TYPE bigint;", "SELECT 1;")
    found = [(one["path"], one["table"], one.get("rows")) for one in locks(large)]
    assert found == [
        ("sql/course/002_step.sql", "public.orders", ROWS),
        ("sql/course/004_step.sql", "public.old_orders", ROWS),
    ]


def test_a_locked_table_has_a_size_as_well(large: Workspace) -> None:
    with closing(psycopg2.connect(large.urls["course"])) as other:
        other.cursor().execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        assert [one["rows"] for one in locks(large) if one["table"] == "public.orders"] == [
            ROWS,
            ROWS,
        ]


def test_an_up_that_fails_is_said(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.upgrade()
    workspace.add("002", "ALTER TABLE nobody ADD COLUMN IF NOT EXISTS a int;", "SELECT 1;")
    done = workspace.run("validate", *PLAN)
    assert "not planned from 002_step.sql on: its UP fails on the shadow" in done.stdout


@pytest.mark.parametrize(
    ("weight", "text"),
    [
        (Weight(0, 0), "0 bytes (0 rows)"),
        (Weight(8192, None), "8.0 kB"),
        (Weight(51_539_607_552, 12_345_678), "48 GB (12 million rows)"),
        (Weight(3_000_000, 200_000), "2.9 MB (200,000 rows)"),
        (Weight(5 << 50, 1), "5120 TB (1 row)"),
    ],
)
def test_a_size_is_in_words(weight: Weight, text: str) -> None:
    assert str(weight) == text
