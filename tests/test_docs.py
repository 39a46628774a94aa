"""README.md says what is there: its commands parse, its settings and exit codes are the code's."""

from __future__ import annotations

import importlib
import re
import shlex
from argparse import ArgumentParser

import pytest
from alembic.config import CommandLine

from scripts.console import entry
from scripts.engine.ledger import events
from scripts.engine.ledger.table import Ledger
from scripts.engine.settings import DEFAULT_TABLE, TableName
from scripts.files import project
from tests.workspace import REPOSITORY

README = (REPOSITORY / "README.md").read_text()
MAKEFILE = (REPOSITORY / "Makefile").read_text()
COMMANDS = sorted(path.stem for path in (REPOSITORY / "scripts").glob("[a-z]*.py"))
COMMANDS.remove("errors")


def parser(command: str) -> ArgumentParser:
    made = importlib.import_module(f"scripts.{command}")._parser()
    assert isinstance(made, ArgumentParser)
    return made


def examples(command: str) -> list[str]:
    return re.findall(
        rf"^  (python scripts/{command}\.py.*)$", parser(command).epilog or "", re.MULTILINE
    )


def written(beginning: str) -> list[str]:
    """Return the commands in README's code that begin in this way."""
    return sorted(set(re.findall(rf"`({beginning}[^`]*)`", README)))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme_and_has_an_example_that_parses(command: str) -> None:
    assert f"python scripts/{command}.py" in README
    assert examples(command)
    for line in [*examples(command), *written(rf"python scripts/{command}\.py")]:
        parser(command).parse_args(shlex.split(line)[2:])


@pytest.mark.parametrize("line", written("alembic -n"))
def test_the_alembic_commands_in_the_readme_parse(line: str) -> None:
    options = CommandLine(prog="alembic").parser.parse_args(shlex.split(line)[1:])
    assert options.name in {
        one.name for one in project.load(REPOSITORY / "alembic.ini").environments
    }


def test_the_make_targets_in_the_readme_and_in_ci_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.MULTILINE))
    used = re.findall(
        r"\bmake ([a-z]+)\b", "".join(re.findall(r"`[^`]+`|^make.*", README, re.MULTILINE))
    )
    ci = re.findall(r"^make ([a-z]+)", (REPOSITORY / ".ci/run").read_text(), re.MULTILINE)
    assert {"migrate", "test"} <= set(used)
    assert {"migrate", "lint", "test"} <= set(ci)
    assert {*used, *ci} <= targets


def test_the_settings_that_the_code_reads_are_those_in_the_readme() -> None:
    sources = "".join(path.read_text() for path in (REPOSITORY / "scripts").rglob("*.py"))
    read = set(re.findall(r'"(MIGRATION_[A-Z_]+|POSTGRES_[A-Z_]+)"', sources))
    for one in project.load(REPOSITORY / "alembic.ini").environments:
        read |= {one.url_setting(), one.url_setting(direct=True)}
    rows = "".join(re.findall(r"^\| `[A-Z].*?\|", README, re.MULTILINE))
    assert set(re.findall(r"`([A-Z_]+)`", rows)) == read


def test_the_exit_codes_are_the_same_in_help_and_readme() -> None:
    assert entry.EXIT_CODES.removeprefix("exit codes: ") in README
    for command in COMMANDS:
        assert entry.EXIT_CODES in (parser(command).epilog or "")


@pytest.mark.parametrize("table", ["ledger", "event log"])
def test_the_columns_of_our_tables_are_in_the_readme(table: str) -> None:
    ledger = Ledger(TableName("public", DEFAULT_TABLE))
    creation = ledger.creation() if table == "ledger" else events.creation(ledger)
    columns = {
        name for part in creation for name in re.findall(r"Identifier\('(\w+)'\)", repr(part))
    }
    about = README.partition(f"## The {table}")[2].partition("\n## ")[0]
    assert columns >= {"version", "filename", "duration_ms"}
    assert {name for name in columns if f"`{name}`" not in about} == set()


def test_the_tests_that_the_reliability_page_names_exist() -> None:
    page = (REPOSITORY / "docs/reliability.md").read_text()
    named = re.findall(r"`(tests/[^`]+|test_[^`]+)`", page)
    folder = REPOSITORY / "tests/database"
    missing = [one for one in named if not (REPOSITORY / one).exists() | (folder / one).exists()]
    assert len(named) > 20
    assert missing == []
