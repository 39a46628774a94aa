"""A commit that the server refuses, and one whose answer is lost on the way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scripts.errors import (
    ServerError,
)
from tests.support.interference import Interference
from tests.support.proxy import Proxy, proxy
from tests.support.servers import own_server
from tests.support.workspace import Workspace

pytestmark = pytest.mark.database


def test_a_commit_that_the_server_refuses_is_told_with_its_file(workspace: Workspace) -> None:
    workspace.add_tables("001")
    workspace.add(
        "002",
        "CREATE TABLE a (id int PRIMARY KEY);\nCREATE TABLE b (id int REFERENCES a"
        " DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO b VALUES (1);",
    )
    with pytest.raises(ServerError) as caught:
        workspace.upgrade()
    assert "violates foreign key constraint" in caught.value.what
    assert caught.value.what.endswith("[23503]")
    assert caught.value.where == "sql/course/002_step.sql"
    assert caught.value.detail.startswith("the commit failed\n")
    assert caught.value.state == "rolled back; course is at 001"
    assert [result.version for result in workspace.recorder.results] == ["001"]


class TestLostAnswer:
    """The network swallows the answer to a COMMIT that has taken effect."""

    @pytest.fixture
    def proxied(self, workspace: Workspace) -> Iterator[tuple[Workspace, Proxy]]:
        with own_server() as server, proxy(server.port) as between:
            workspace.urls = {**workspace.urls, "course": server.tcp_url(port=between.port)}
            workspace.add_tables("001", "002")
            yield workspace, between

    def test_the_last_step_counts_as_done(
        self, proxied: tuple[Workspace, Proxy], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workspace, between = proxied
        monkeypatch.setenv("COURSE_DB_URL", workspace.urls["course"])
        workspace.recorder = Interference("002_step.sql", between.swallow_next_commit)
        workspace.upgrade()
        assert between.swallowed == 1
        assert [result.version for result in workspace.recorder.results] == ["001", "002"]
        assert workspace.recorder.notices == [
            "the connection was lost while 002_step.sql was being committed; "
            "the ledger shows that it was committed"
        ]
        assert workspace.versions() == ["001", "002"]

    def test_with_more_to_do_the_run_ends_and_says_where(
        self, proxied: tuple[Workspace, Proxy], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workspace, between = proxied
        monkeypatch.setenv("COURSE_DB_URL", workspace.urls["course"])
        workspace.recorder = Interference("001_step.sql", between.swallow_next_commit)
        with pytest.raises(ServerError, match="connection was lost while 001_step") as caught:
            workspace.upgrade()
        assert caught.value.state == "committed, according to the ledger; course is at 001"
        assert workspace.versions() == ["001"]
        workspace.upgrade()
        assert workspace.versions() == ["001", "002"]

    def test_a_login_that_needs_its_role_looks_it_up_as_well(
        self, proxied: tuple[Workspace, Proxy], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workspace, between = proxied
        url = workspace.urls["course"]
        workspace.query(
            "CREATE ROLE owner; CREATE ROLE login LOGIN NOINHERIT IN ROLE owner;"
            "CREATE SCHEMA own AUTHORIZATION owner"
        )
        monkeypatch.setenv("COURSE_DB_URL", url.replace("postgres@", "login@"))
        monkeypatch.setenv("MIGRATION_ROLE", "owner")
        monkeypatch.setenv("MIGRATION_TABLE", "own.ledger")
        for path in (workspace.root / "sql/course").iterdir():
            path.write_text(path.read_text().replace(" t_00", " own.t_00"))
        workspace.recorder = Interference("002_step.sql", between.swallow_next_commit)
        workspace.upgrade()
        assert between.swallowed == 1
        assert "the ledger shows that it was committed" in workspace.recorder.notices[-1]

    def test_a_rollback_is_looked_up_as_well(
        self, proxied: tuple[Workspace, Proxy], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workspace, between = proxied
        monkeypatch.setenv("COURSE_DB_URL", workspace.urls["course"])
        workspace.upgrade()
        workspace.recorder = Interference("002_step.sql", between.swallow_next_commit)
        workspace.downgrade("001")
        assert between.swallowed == 1
        assert "the ledger shows that it was committed" in workspace.recorder.notices[-1]
        assert workspace.versions() == ["001"]
