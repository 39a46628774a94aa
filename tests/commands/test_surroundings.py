"""Where commands are run: in which locale, in a folder of which name, beside which files."""

from __future__ import annotations

import shutil

import pytest

from tests.support import warm
from tests.support.workspace import REPOSITORY, Workspace

pytestmark = pytest.mark.database
FOLDERS = ('it\'s a "quoted" Größe: $HOME\\x', "50% %(here)s")
UP = "CREATE TABLE IF NOT EXISTS \"Größe\" (id bigint PRIMARY KEY, a text DEFAULT '…');"
DOWN = 'DROP TABLE IF EXISTS "Größe";'


@pytest.fixture(autouse=True)
def new_interpreters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start Python for each command: what it makes of its surroundings is the point here."""
    monkeypatch.setattr(warm, "can_run", lambda *_: False)


def moved(workspace: Workspace, name: str) -> Workspace:
    """Return the project in a folder of that name."""
    root = workspace.root.parent / name
    workspace.root.rename(root)
    return Workspace(root, workspace.urls, workspace.bin)


def succeeds(workspace: Workspace, locale: dict[str, str], *command: str) -> str:
    """Run a command in a locale and return what it prints."""
    run = workspace.alembic if command[0] == "alembic" else workspace.run
    arguments = command[1:] if command[0] == "alembic" else command
    done = run(*arguments, environment=locale)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def use_everything(workspace: Workspace, locale: dict[str, str], *, alembic: bool = True) -> None:
    """Run each command once, with text outside ASCII in the migrations."""
    workspace.add("001", UP, DOWN)
    succeeds(workspace, locale, "validate")
    succeeds(workspace, locale, "migrate", "--dry-run")
    succeeds(workspace, locale, "migrate")
    assert workspace.tables() == ["Größe"]
    assert workspace.query('INSERT INTO "Größe" VALUES (1) RETURNING a') == [("…",)]
    succeeds(workspace, locale, "status")
    succeeds(workspace, locale, "status", "--events", "3")
    succeeds(workspace, locale, "rollback", "--yes")
    assert workspace.tables() == []
    succeeds(workspace, locale, "create", "--database", "auth", "--name", "Größe …")
    if alembic:
        use_alembic(workspace, locale)


def use_alembic(workspace: Workspace, locale: dict[str, str]) -> None:
    """Run each of Alembic's commands once."""
    succeeds(workspace, locale, "alembic", "-n", "course", "upgrade", "head")
    assert workspace.tables() == ["Größe"]
    assert "001 (head)" in succeeds(workspace, locale, "alembic", "-n", "course", "current")
    succeeds(workspace, locale, "alembic", "-n", "course", "history")
    script = succeeds(workspace, locale, "alembic", "-n", "course", "upgrade", "base:001", "--sql")
    assert "DEFAULT '…'" in script
    succeeds(workspace, locale, "alembic", "-n", "course", "downgrade", "-1")
    assert workspace.tables() == []
    succeeds(workspace, locale, "alembic", "-n", "course", "revision", "-m", "Größe …")
    succeeds(workspace, locale, "alembic", "-n", "course", "stamp", "001")


@pytest.mark.parametrize("name", ["POSIX", "xx_XX.UTF-8"])
def test_both_doors_work_in_locales_that_are_not_there(workspace: Workspace, name: str) -> None:
    locale = {"LC_ALL": name}
    workspace.add("001", UP, DOWN)
    succeeds(workspace, locale, "migrate")
    assert workspace.tables() == ["Größe"]
    assert "001 (head)" in succeeds(workspace, locale, "alembic", "-n", "course", "current")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_output_in_another_encoding_ends_no_command_and_a_script_stays_utf_8(
    workspace: Workspace, encoding: str
) -> None:
    workspace.add("001", UP, DOWN)
    variables = {"PYTHONIOENCODING": encoding}
    binary = {"environment": variables, "encoding": "latin-1"}
    assert workspace.run("migrate", **binary).returncode == 0
    shown = workspace.run("rollback", "--dry-run", **binary)
    assert (shown.returncode, shown.stderr) == (0, "")
    script = workspace.alembic("-n", "course", "upgrade", "base:001", "--sql", **binary)
    assert "DEFAULT '…'" in script.stdout.encode("latin-1").decode()
    assert "\\encoding UTF8" in script.stdout


def test_nothing_that_alembic_reads_by_the_locale_needs_more_than_ascii() -> None:
    files = [REPOSITORY / "alembic.ini"]
    for environment in ("auth", "course"):
        files += [path for path in (REPOSITORY / environment).rglob("*") if path.suffix != ".pyc"]
    for path in files:
        if path.is_file():
            assert path.read_bytes().isascii(), path


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_command_works_in_the_plainest_locale_and_a_folder_of_any_name(
    workspace: Workspace, folder: str
) -> None:
    # Alembic puts the folder's name into its ini without doubling the %.
    use_everything(moved(workspace, folder), {"LC_ALL": "C"}, alembic="%" not in folder)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_checkout_may_lie_in_a_folder_of_any_name(workspace: Workspace, folder: str) -> None:
    here = moved(workspace, folder)
    here.add("001", UP, DOWN)
    succeeds(here, {}, "migrate")
    if "%" not in folder:
        succeeds(here, {}, "alembic", "-n", "course", "downgrade", "-1")


def test_an_embedded_server_may_lie_in_a_folder_of_any_name(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = moved(workspace, 'it\'s, 100% "Größe"')
    here.add_tables("001")
    monkeypatch.setenv("POSTGRES_BIN", str(here.bin))
    done = here.run("migrate", environment={"COURSE_DB_URL": "embedded://course"})
    assert done.returncode == 0, done.stderr
    assert "applied 001_step.sql" in done.stdout


def test_an_ini_in_utf_8_is_read_by_the_scripts_in_every_locale(workspace: Workspace) -> None:
    ini = workspace.root / "alembic.ini"
    ini.write_text(f"# für …\n{ini.read_text()}", encoding="utf-8")
    workspace.add_tables("001")
    done = workspace.run("migrate", environment={"LC_ALL": "C"})
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("door", ["scripts", "alembic"])
def test_a_dotenv_that_is_a_folder_is_named(workspace: Workspace, door: str) -> None:
    (workspace.root / ".env").mkdir()
    done = (
        workspace.run("status") if door == "scripts" else workspace.alembic("-n", "auth", "current")
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error:  .env is a folder")


@pytest.mark.parametrize("door", ["scripts", "alembic"])
def test_a_dotenv_that_can_not_be_read_is_named(workspace: Workspace, door: str) -> None:
    # Root may read whatever has no permissions, but not this.
    (workspace.root / ".env").symlink_to("/proc/self/mem")
    done = (
        workspace.run("status") if door == "scripts" else workspace.alembic("-n", "auth", "current")
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error:  .env cannot be read: input/output error")


def test_a_section_without_a_folder_is_said_with_what_to_copy(workspace: Workspace) -> None:
    ini = workspace.root / "alembic.ini"
    ini.write_text(f"{ini.read_text()}\n[billing]\nscript_location = %(here)s/billing\n")
    create = ("create", "--database", "billing", "--name", "first")
    done = workspace.run(*create)
    assert done.returncode == 2
    assert "billing is in alembic.ini, but there is no billing/env.py" in done.stderr
    url = {"BILLING_DB_URL": workspace.urls["course"]}
    done = workspace.run("migrate", "--database", "billing", environment=url)
    assert done.stderr.startswith("error:  folder sql/billing does not exist")

    (workspace.root / "billing").mkdir()
    for name in ("env.py", "script.py.mako"):
        shutil.copy(workspace.root / "course" / name, workspace.root / "billing" / name)
    assert workspace.run(*create).returncode == 0


def test_advice_of_libpq_is_indented_with_blanks(workspace: Workspace) -> None:
    url = {"COURSE_DB_URL": "postgresql://u@127.0.0.1:1/d"}
    done = workspace.run("status", "--database", "course", environment=url)
    assert "\n            Is the server running" in done.stderr
    assert "\\t" not in done.stderr
