"""What people read says what is there: commands, options, codes, settings, exit codes, tests."""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Set

import pytest
from alembic.config import CommandLine

from scripts.checks import rules
from scripts.console import entry
from scripts.engine.ledger import event_table
from scripts.engine.ledger.table import Ledger
from scripts.engine.settings import DEFAULT_TABLE, TableName
from scripts.files import project
from tests.support import mentions
from tests.support.mentions import Option, Piece
from tests.support.other_tools import OTHERS
from tests.support.workspace import REPOSITORY

README = (REPOSITORY / "README.md").read_text()
DOCS = REPOSITORY / "docs"
REFERENCE = README + "".join(path.read_text() for path in sorted(DOCS.glob("*.md")))
MAKEFILE = (REPOSITORY / "Makefile").read_text()
COMMANDS = sorted(path.stem for path in (REPOSITORY / "scripts").glob("[a-z]*.py"))


def parser(command: str) -> ArgumentParser:
    made = importlib.import_module(f"scripts.{command}")._parser()
    assert isinstance(made, ArgumentParser)
    made.prog = f"{command}.py"
    return made


def option_strings(of: ArgumentParser) -> Set[str]:
    return set(of._option_string_actions)


def commands_of(of: ArgumentParser) -> dict[str, ArgumentParser]:
    [found] = [one for one in of._actions if isinstance(one, argparse._SubParsersAction)]
    return dict(found.choices)


OURS = {command: option_strings(parser(command)) for command in COMMANDS}
ALEMBIC = commands_of(CommandLine(prog="alembic").parser)
IN_ALEMBIC = {name for one in ALEMBIC.values() for name in option_strings(one)}
BARE_OF_ALEMBIC = {
    "--sql": "upgrade and downgrade have it, and what a script for psql leaves out is told",
    "--rev-id": "revision has it, and refuses it here",
    "--purge": "stamp has it: one of two commands that are told side by side",
}
"""Alembic's options that are named without its name ahead, with the reason."""
NO_CODES = {"a-z": "a range of letters", "validate-migrations": "the hook of pre-commit"}
FILES = {
    path.stem
    for name in ("scripts", "tests", "auth", "course")
    for path in (REPOSITORY / name).rglob("*.py")
}
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
PIECES = [
    *mentions.documents(),
    *mentions.register(),
    *mentions.helps({command: parser(command).format_help() for command in COMMANDS}),
    *mentions.literals(),
]
OPTIONS = [one for piece in PIECES if not piece.planned for one in mentions.options(piece)]


def module(piece: Piece) -> str:
    """Return the module whose string a piece is, when it is an argument and no sentence."""
    return piece.where.partition(":")[0] if re.match(r"--\S+$", piece.text) else ""


def exists(option: Option) -> bool:
    """Tell whether its command has an option, or any of ours where no command is named."""
    of = option.of or module(option.piece)
    if of in OURS:
        return option.name in OURS[of]
    if of == "alembic":
        return option.name in IN_ALEMBIC
    if of in OTHERS and option.name in OTHERS[of][1]:
        return True
    known = {name for names in OURS.values() for name in names}
    return not option.of and option.name in known | (BARE_OF_ALEMBIC.keys() & IN_ALEMBIC)


def skip_values(words: list[str]) -> Iterator[str]:
    """Leave out -n and -x with what follows them."""
    rest = iter(words)
    for word in rest:
        if word in ("-n", "-x", "-c"):
            next(rest)
        else:
            yield word


def may_name(piece: Piece, code: str) -> bool:
    """Tell whether a check is made, or is planned and the text says so."""
    is_planned = any(known.startswith(code) for known in rules.planned())
    return any(known.startswith(code) for known in rules.every()) or (
        is_planned and (piece.planned or "planned" in piece.paragraph.lower())
    )


def is_a_code(piece: Piece) -> list[str]:
    """Return the code that a string of the program is, as a whole."""
    return [piece.text] if piece.text in {**rules.every(), **rules.planned()} else []


def examples(command: str) -> list[str]:
    return re.findall(
        rf"^  (python scripts/{command}\.py.*)$", parser(command).epilog or "", re.MULTILINE
    )


def written(beginning: str) -> list[str]:
    """Return the commands in the documents' code that begin in this way."""
    return sorted(set(re.findall(rf"`({beginning}[^`]*)`", REFERENCE)))


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


def unknown_scripts(piece: Piece) -> list[str]:
    started = re.findall(r"python scripts/([^ `]+)\.py", piece.text)
    return [one for one in mentions.scripts(piece) if one not in FILES] + [
        one for one in started if one not in COMMANDS
    ]


def unknown_options(piece: Piece) -> list[str]:
    found = [] if piece.planned else mentions.options(piece)
    return [f"{one.of} {one.name}" for one in found if not exists(one)]


def unknown_to_alembic(piece: Piece) -> list[str]:
    words = list(skip_values(mentions.alembic(piece)))
    command = next((one for one in words if not one.startswith("-")), "help")
    known = option_strings(ALEMBIC[command]) if command in ALEMBIC else set()
    options = {one for one in words if re.match("--?[a-z]", one)}
    return (
        [command, *options - known] if words and (command not in ALEMBIC or options - known) else []
    )


def unknown_codes(piece: Piece) -> list[str]:
    named = [code for code in mentions.codes(piece) if code not in NO_CODES]
    return [code for code in named if not may_name(piece, code)]


def unknown_targets(piece: Piece) -> list[str]:
    return [one for one in mentions.targets(piece) if one not in TARGETS]


UNKNOWN = [unknown_scripts, unknown_options, unknown_to_alembic, unknown_codes, unknown_targets]


@pytest.mark.parametrize("unknown", UNKNOWN, ids=lambda one: one.__name__)
def test_no_text_names_what_is_not_there(unknown: Callable[[Piece], list[str]]) -> None:
    assert [(piece.where, names) for piece in PIECES if (names := unknown(piece))] == []


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("run `python scripts/mend.py` there", ["mend", "mend"]),
        ("what `mend.py` does", ["mend"]),
        ("python scripts/create.py --renumber closes the gap", ["create --renumber"]),
        ("`create.py --live` is another command's", ["create --live"]),
        ("the lock preview of `--locks` does that", [" --locks"]),
        ("git fetch --locks", ["git --locks"]),
        ("git fetch, or --renumber", [" --renumber"]),
        ("`alembic -n course upgrad head`", ["upgrad"]),
        ("`alembic -n course upgrade head --fast`", ["alembic --fast", "upgrade", "--fast"]),
        ("`shadow-rows-lost` finds it", ["shadow-rows-lost"]),
        ("an error [no-such-code]", ["no-such-code"]),
        ("`validate.py --explain emptydown`", ["emptydown"]),
        ("```sql\n-- validate: ignore foreign-drops why\n```", ["foreign-drops"]),
        ("```sql\n-- see `shadow-rows-lost`\n```", ["shadow-rows-lost"]),
        ("`make install`, as `SIZES=1 make benches`", ["install", "benches"]),
        ("`shadow-rows-lost`, which is planned", []),
        ("`POSTGRES_BIN=/x\nmake test`, `python scripts/validate.py --live` and --sql", []),
    ],
)
def test_what_is_not_there_would_be_seen(text: str, missing: list[str]) -> None:
    pieces = list(mentions.cut("text", text))
    assert sorted(n for p in pieces for one in UNKNOWN for n in one(p)) == sorted(missing)


def test_the_texts_name_commands_options_codes_and_targets() -> None:
    assert {one for piece in PIECES for one in mentions.scripts(piece)} >= set(COMMANDS)
    assert {(one.of, one.name) for one in OPTIONS} >= {("validate", "--live"), ("", "--sql")}
    assert {one for piece in PIECES for one in mentions.targets(piece)} >= {"migrate", "test"}
    codes = {one for piece in PIECES for one in mentions.codes(piece)}
    assert codes >= {"not-repeatable", "squawk-ban-drop-table"}
    assert sum(bool(mentions.alembic(piece)) for piece in PIECES) > 8


def test_the_make_targets_in_ci_exist() -> None:
    ci = re.findall(r"^make ([a-z]+)", (REPOSITORY / ".ci/run").read_text(), re.MULTILINE)
    assert {"migrate", "lint", "test"} <= set(ci) <= TARGETS


def test_no_option_of_another_tool_is_listed_in_vain() -> None:
    named = {(one.of or module(one.piece), one.name) for one in OPTIONS}
    listed = {(tool, name) for tool, (_, names) in OTHERS.items() for name in names}
    assert listed - named == set()
    assert BARE_OF_ALEMBIC.keys() - {one.name for one in OPTIONS if not one.of} == set()


def test_the_codes_that_the_program_gives_are_those_of_checks_that_are_made() -> None:
    given = {(code, piece.where) for piece in mentions.literals() for code in is_a_code(piece)}
    written = {code for code, _ in given}
    own = {code for code in rules.every() if not code.startswith("squawk-")}
    assert own - written == set()
    assert written & rules.planned().keys() == set()


def test_the_settings_that_the_code_reads_are_those_in_the_documents() -> None:
    sources = "".join(path.read_text() for path in (REPOSITORY / "scripts").rglob("*.py"))
    read = set(re.findall(r'"(MIGRATION_[A-Z_]+|POSTGRES_[A-Z_]+)"', sources))
    for one in project.load(REPOSITORY / "alembic.ini").environments:
        read |= {one.url_setting(), one.url_setting(direct=True)}
    page = (DOCS / "settings.md").read_text()
    rows = "".join(re.findall(r"^\| `[A-Z].*?\|", page, re.MULTILINE))
    assert set(re.findall(r"`([A-Z_]+)`", rows)) == read


def test_the_exit_codes_are_the_same_in_help_and_readme() -> None:
    assert entry.EXIT_CODES.removeprefix("exit codes: ") in README
    for command in COMMANDS:
        assert entry.EXIT_CODES in (parser(command).epilog or "")


@pytest.mark.parametrize("table", ["ledger", "event log"])
def test_the_columns_of_our_tables_are_in_the_documents(table: str) -> None:
    ledger = Ledger(TableName("public", DEFAULT_TABLE))
    creation = ledger.creation() if table == "ledger" else event_table.creation(ledger)
    columns = {
        name for part in creation for name in re.findall(r"Identifier\('(\w+)'\)", repr(part))
    }
    about = (DOCS / "ledger.md").read_text().partition(f"## The {table}")[2].partition("\n## ")[0]
    assert columns >= {"version", "filename", "duration_ms"}
    assert {name for name in columns if f"`{name}`" not in about} == set()


def test_the_tests_that_the_reliability_page_names_exist() -> None:
    page = (REPOSITORY / "docs/reliability.md").read_text()
    named = re.findall(r"`(tests/[^`]+|test_[^`]+)`", page)
    folder = REPOSITORY / "tests/database"
    missing = [one for one in named if not (REPOSITORY / one).exists() | (folder / one).exists()]
    assert len(named) > 20
    assert missing == []
