"""Draw what people see of the commonest scenes, from real runs: docs/scenes/*.svg.

    make scenes

Each runs the commands on a PostgreSQL of its own, on a terminal of 80 columns. What differs from
run to run (ports, times, numbers of processes) is drawn as it was, but for the port.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.support import screen
from tests.support.screen import Cell, Terminal
from tests.support.servers import OwnServer, own_server
from tests.support.workspace import REPOSITORY, Workspace

FOLDER = REPOSITORY / "docs" / "scenes"
_BACKFILL = """INSERT INTO enrollments (user_id, course_id)
SELECT 'learner ' || n, (SELECT id FROM courses)
FROM generate_series(1, 600000) n
ON CONFLICT DO NOTHING;"""
_COPIED = "00[1-6]_*"
"""What each scene starts from; the migrations that it adds are numbered from 007."""

_COURSE = "INSERT INTO courses (slug, title) VALUES ('sql', 'SQL') ON CONFLICT DO NOTHING;"
_RATE = "ALTER TABLE courses ADD COLUMN IF NOT EXISTS rating numeric(3, 2);"
_UNIQUE = "CREATE UNIQUE INDEX IF NOT EXISTS courses_title_key ON courses (title);"

Scene = list[list[Cell]]


class Stage:
    """A project with the first of the repository's course migrations, and a server."""

    def __init__(self, server: OwnServer, folder: Path) -> None:
        """Make the project, and the database that it migrates."""
        server.query("DROP DATABASE IF EXISTS course WITH (FORCE)")
        server.query("CREATE DATABASE course OWNER deploy")
        self.port = server.port
        self.url = server.tcp_url("course", "deploy")
        self.workspace = Workspace.make(folder, {"course": self.url}, server.bin)
        for name in ("sql/course", "course/versions"):
            for file in (REPOSITORY / name).glob(_COPIED):
                shutil.copy(file, folder / name)

    def run(
        self,
        command: str,
        *,
        until: Callable[[str], object] = lambda _: False,
        answer: str = "",
    ) -> Scene:
        """Run a command as a person would type it, and return the screen."""
        program, *arguments = command.split()
        environment = {**os.environ, **self.workspace.settings}
        environment.pop("NO_COLOR", None)
        terminal = Terminal(self.workspace.root, environment)
        assert program == "python"
        shown = terminal.run(command, [sys.executable, *arguments], until=until, answer=answer)
        return [self._with_port(row) for row in shown]

    def _with_port(self, row: list[Cell]) -> list[Cell]:
        """Write the port that everybody knows for the one that was free."""
        text = "".join(cell.text for cell in row)
        at = text.find(f":{self.port}/")
        if at < 0:
            return row
        colour = row[at]
        port = [colour._replace(text=one) for one in "5432"]
        return [*row[: at + 1], *port, *row[at + 1 + len(str(self.port)) :]]

    def quietly(self, command: str, *arguments: str) -> None:
        """Run a command that is not shown."""
        done = self.workspace.run(command, "--database", "course", *arguments)
        assert done.returncode == 0, done.stderr


def a_run(stage: Stage) -> Scene:
    """All migrations are applied; one of them takes a while."""
    stage.workspace.add("007", f"{_COURSE}\n{_BACKFILL}", "SELECT 1;", slug="enrol_everybody")
    stage.workspace.add("008", _RATE, "SELECT 1;", slug="rate_courses")
    return stage.run(
        "python scripts/migrate.py --database course",
        until=lambda text: "statement 2/2, 1 s" in text,
    )


def a_wait(stage: Stage) -> Scene:
    """A report has a lock on the table that a migration changes."""
    stage.quietly("migrate")
    stage.workspace.add("007", _RATE, "SELECT 1;", slug="rate_courses")
    with closing(psycopg2.connect(stage.url, application_name="report")) as other:
        other.cursor().execute("SELECT count(*) FROM courses")

        def waits(text: str) -> bool:
            if ", 2 s" not in text:
                return False
            other.rollback()
            return True

        return stage.run("python scripts/migrate.py --database course", until=waits)


def a_failure(stage: Stage) -> Scene:
    """Rows are in the way of a unique index."""
    stage.quietly("migrate")
    stage.workspace.query(
        "INSERT INTO courses (slug, title) VALUES ('sql', 'SQL'), ('sql-2', 'SQL')"
    )
    stage.workspace.add("007", _UNIQUE, "SELECT 1;", slug="unique_titles")
    return stage.run("python scripts/migrate.py --database course")


def a_status(stage: Stage) -> Scene:
    """200 migrations are applied, two are pending, and the last run has failed."""
    numbers = (f"{number:03}" for number in range(7, 201))
    for number in numbers:
        stage.workspace.add(number, "SELECT 1;", "SELECT 1;", slug="more")
    stage.quietly("migrate")
    stage.workspace.query(
        "INSERT INTO courses (slug, title) VALUES ('sql', 'SQL'), ('sql-2', 'SQL')"
    )
    stage.workspace.add("201", _UNIQUE, "SELECT 1;", slug="unique_titles")
    stage.workspace.add("202", _RATE, "SELECT 1;", slug="rate_courses")
    stage.workspace.run("migrate", "--database", "course")
    return stage.run("python scripts/status.py --database course")


def a_rollback(stage: Stage) -> Scene:
    """The last migration is taken back, after what that destroys was shown."""
    up = "CREATE TABLE IF NOT EXISTS reviews (\n    id bigint PRIMARY KEY,\n    stars smallint\n);"
    stage.workspace.add("007", up, "-- DROP TABLE IF EXISTS reviews;", slug="create_reviews")
    stage.quietly("migrate")
    stage.workspace.query("INSERT INTO reviews SELECT n, n % 5 + 1 FROM generate_series(1, 1200) n")
    return stage.run("python scripts/rollback.py --database course", answer="y\n")


SCENES: dict[str, Callable[[Stage], Scene]] = {
    "run": a_run,
    "wait": a_wait,
    "failure": a_failure,
    "status": a_status,
    "rollback": a_rollback,
}


def made() -> Iterator[tuple[str, str, Scene]]:
    """Play each scene; give its name, what it shows, and the screen."""
    with _server() as server:
        for name, play in SCENES.items():
            with tempfile.TemporaryDirectory() as folder:
                stage = Stage(server, Path(folder))
                yield name, (play.__doc__ or "").strip(), play(stage)


@contextmanager
def _server() -> Iterator[OwnServer]:
    with own_server() as server:
        server.query("CREATE ROLE deploy LOGIN SUPERUSER")
        yield server


def without_numbers(text: str) -> str:
    """Return what is the same in each run: no numbers, and bars of one length.

    Lines are joined: where one is broken depends on how long a number is.
    """
    plain = re.sub(r"[━╸╺]+(?: +[━╸╺]+)*", "━", text)
    plain = re.sub(r"\b(?:ms|s|min)\b", "s", re.sub(r"\d[\d.:]*", "0", plain))
    return " ".join(plain.split())


def drawn(path: Path) -> str:
    """Return the text of a picture."""
    lines = path.read_text(encoding="utf-8").splitlines()
    texts = [re.sub(r"<[^>]+>", " ", line) for line in lines if line.startswith("<text ")]
    return "\n".join(texts).replace("&quot;", '"').replace("&#x27;", "'").replace("&gt;", ">")


def main() -> None:
    """Write the pictures."""
    FOLDER.mkdir(exist_ok=True)
    for name, title, rows in made():
        path = FOLDER / f"{name}.svg"
        path.write_text(screen.svg(rows, title), encoding="utf-8")
        print(f"{path.relative_to(REPOSITORY)}: {title}")


if __name__ == "__main__":
    main()
