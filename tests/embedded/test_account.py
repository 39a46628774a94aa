"""As whom the embedded PostgreSQL runs, and that it changes nobody's folders."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.embedded import account, binaries, server
from scripts.errors import ServerError
from tests.support.embedding import (
    AS_ROOT,
    FAST,
    USER,
    ask,
    databases,
    folder_of,
    until_stopped,
    url_of,
    using,
)
from tests.support.servers import until
from tests.support.workspace import REPOSITORY

pytestmark = pytest.mark.database
only_root = pytest.mark.skipif(not AS_ROOT, reason="is about root, and this is not root")


@only_root
def test_root_runs_it_as_nobody_in_a_project_of_its_own(home: Path) -> None:
    joined = server.join(home, settings=FAST)

    assert joined.socket.parent == folder_of(home)
    assert home.owner() == "nobody"
    assert (folder_of(home) / "data").owner() == "nobody"
    assert home.parent.stat().st_mode & 0o777 == 0o755


@only_root
def test_root_runs_it_as_the_owner_of_the_project(home: Path) -> None:
    daemon = pwd.getpwnam("daemon")
    os.chown(home.parent, daemon.pw_uid, daemon.pw_gid)
    server.join(home, settings=FAST)

    assert home.owner() == "daemon"
    assert (folder_of(home) / "data").owner() == "daemon"


@only_root
def test_a_project_that_only_root_can_enter_stays_as_it_is(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir(mode=0o700)
    home = project / ".postgres"
    before = [(step, step.stat().st_mode, step.stat().st_uid) for step in project.parents]
    with using(home, "database"):
        pass
    (note,) = home.iterdir()
    elsewhere = Path(note.read_text().splitlines()[1])
    assert elsewhere.parent == Path("/var/tmp")
    until_stopped(elsewhere / note.stem)

    with using(home) as (_, url):
        assert databases(url) == {"postgres", "kept"}
    until_stopped(elsewhere / note.stem)

    # Who deletes the home expects an empty server, although the data were not in it.
    shutil.rmtree(home)
    with using(home, "ephemeral") as (_, url):
        assert databases(url) == {"postgres"}
    until(lambda: not home.exists(), "the home to be removed")
    assert not elsewhere.exists()
    assert [(step, step.stat().st_mode, step.stat().st_uid) for step in project.parents] == before
    assert project.stat().st_mode & 0o777 == 0o700


@only_root
def test_a_wheel_that_only_root_can_reach_is_copied(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = account.choose(home, home.parent)
    found = binaries.find(None)
    monkeypatch.setattr(account.Account, "can_enter", lambda *_: False)
    monkeypatch.setattr("scripts.embedded.binaries.ELSEWHERE", home.parent)

    copied = binaries.reachable(found, nobody)

    ran = subprocess.run(
        [copied.folder / "psql", "--version"],
        user=nobody.uid,
        group=nobody.gid,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.version in ran.stdout
    assert binaries.reachable(found, nobody) == copied
    (made,) = home.parent.iterdir()
    assert made.stat().st_mode & 0o777 == 0o755
    assert made.owner() == "root"


@only_root
def test_a_postgres_bin_that_only_root_can_reach_is_refused(tmp_path: Path) -> None:
    nobody = account.choose(tmp_path / "none", tmp_path)
    closed = replace(binaries.find(None), folder=tmp_path, from_wheel=False)

    with pytest.raises(
        ServerError, match="user nobody, who runs the server, cannot read POSTGRES_BIN"
    ):
        binaries.reachable(closed, nobody)


@only_root
def test_a_normal_user_runs_it_as_themselves(home: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    python = python_of(nobody)
    os.chown(home.parent, nobody.pw_uid, nobody.pw_gid)
    with subprocess.Popen(
        [python, "-c", USER, str(home)],
        user=nobody.pw_uid,
        group=nobody.pw_gid,
        extra_groups=[],
        cwd=REPOSITORY,
        env={"PYTHONPATH": os.pathsep.join([str(REPOSITORY), *site_packages()])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        url = url_of(process)
        assert ask(url, "SELECT 1") == 1
        assert home.owner() == "nobody"
        # root joins what the owner started, and keeps it running
        joined = server.join(home)
        assert joined.url("postgres") == url
        process.communicate()
    assert ask(url, "SELECT 1") == 1


def site_packages() -> list[str]:
    return [path for path in sys.path if path.endswith("site-packages")]


def python_of(user: pwd.struct_passwd) -> str:
    """A Python of this version that the user can run: root's may lie in root's home."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, shutil.which(name, path="/usr/local/bin:/usr/bin:/bin")):
        try:
            subprocess.run(
                [python or "", "-c", "import psycopg2, scripts"],
                user=user.pw_uid,
                group=user.pw_gid,
                extra_groups=[],
                cwd=REPOSITORY,
                env={"PYTHONPATH": os.pathsep.join(site_packages())},
                check=True,
                capture_output=True,
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return python or ""
    pytest.skip(f"{user.pw_name} can't run any {name} with psycopg2")
