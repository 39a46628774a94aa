"""What is taken for which of Alembic's commands, and what has to hold before it is carried out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from scripts.engine.alembic_commands.command import AlembicCommand
from scripts.engine.ledger.server import Server
from scripts.engine.reported import Direction
from scripts.engine.run.command import Command, Kind
from scripts.errors import HistoryError, LedgerError, ServerError, UsageError
from scripts.files import history
from scripts.files.project import Environment
from tests.support.states import state, step
from tests.support.texts import migration

SHOWN = (step(migration())._replace(version="002"), step(migration())._replace(version="001"))


def named(name: str) -> Callable[[], None]:
    def function() -> None: ...

    function.__name__ = name
    return function


def of(options: dict[str, object]) -> AlembicCommand:
    """Return what is recognised in these options of Alembic's."""
    context = MigrationContext.configure(dialect_name="postgresql", opts=options)
    return AlembicCommand.of(context, ScriptDirectory("."))


def alembic(kind: Kind, target: object) -> AlembicCommand:
    """Return a command of Alembic's with its target."""
    return of({"fn": named(kind.value), "destination_rev": target})


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        ("upgrade", Kind.UPGRADE),
        ("downgrade", Kind.DOWNGRADE),
        ("do_stamp", Kind.STAMP),
        ("display_version", Kind.INSPECT),
        ("retrieve_migrations", Kind.INSPECT),
        ("UPGRADE", Kind.INSPECT),
    ],
)
def test_a_command_is_known_by_its_function(function: str, kind: Kind) -> None:
    found = of({"fn": named(function), "destination_rev": "2"})
    assert (found.kind, found.target) == (kind, "2")


def test_what_is_no_function_and_has_no_target_only_looks() -> None:
    found = of({"fn": object()})
    assert (found.kind, found.target) == (Kind.INSPECT, None)


class TestIdle:
    """No lock is taken where nothing is left to do."""

    @pytest.mark.parametrize(
        ("applied", "target", "idle"),
        [
            (("001", "002", "003"), "head", True),
            (("001", "002", "003"), "heads", True),
            (("001", "002"), "head", False),
            (("001", "002"), "002", True),
            (("001", "002"), "001", True),
            (("001", "002"), "003", False),
            (("001", "002"), "004", False),
            (("001", "002"), "+1", False),
            (("001", "002"), ("001",), False),
            (("001", "002"), None, False),
        ],
    )
    def test_an_upgrade_to_what_is_there(
        self, three: Environment, applied: tuple[str, ...], target: object, idle: bool
    ) -> None:
        assert Command(Kind.UPGRADE, target).is_idle(state(three, *applied)) is idle

    @pytest.mark.parametrize(
        ("heads", "target", "idle"),
        [
            (("002",), "002", True),
            ((), "002", True),
            (("001",), "002", False),
            (("002",), "001", False),
            (("002",), "-1", False),
            (("002",), "base", False),
        ],
    )
    def test_a_downgrade_to_where_ledger_and_alembic_are(
        self, three: Environment, heads: tuple[str, ...], target: str, idle: bool
    ) -> None:
        found = state(three, "001", "002", heads=heads)
        assert Command(Kind.DOWNGRADE, target).is_idle(found) is idle

    def test_a_downgrade_of_an_empty_database_to_base(self, three: Environment) -> None:
        assert Command(Kind.DOWNGRADE, "base").is_idle(state(three))

    @pytest.mark.parametrize(("kind", "idle"), [(Kind.INSPECT, True), (Kind.STAMP, False)])
    def test_looking_always_and_a_stamp_never(
        self, three: Environment, kind: Kind, idle: bool
    ) -> None:
        assert Command(kind, "001").is_idle(state(three, "001")) is idle


class TestFiles:
    """Only what goes by the files needs them in order."""

    @pytest.fixture
    def misnamed(self, three: Environment) -> Environment:
        (three.sql / "no-number.sql").touch()
        return three

    @pytest.mark.parametrize("kind", [Kind.UPGRADE, Kind.STAMP])
    def test_a_misnamed_file_stops_what_goes_forward(
        self, misnamed: Environment, kind: Kind
    ) -> None:
        with pytest.raises(HistoryError, match=r"no-number\.sql"):
            Command(kind, "head").check_files(history.survey(misnamed)[0])

    @pytest.mark.parametrize("kind", [Kind.DOWNGRADE, Kind.INSPECT])
    def test_it_does_not_stop_what_goes_back_or_looks(
        self, misnamed: Environment, kind: Kind
    ) -> None:
        files = history.survey(misnamed)[0]
        Command(kind, "base").check_files(files)
        assert [entry.version for entry in files.entries] == ["001", "002", "003"]

    @pytest.mark.parametrize("kind", Kind)
    def test_a_revision_file_that_is_a_link_out_of_the_checkout_stops_all(
        self, three: Environment, kind: Kind
    ) -> None:
        python = three.versions / "003_step.py"
        outside = three.sql.parents[2] / "elsewhere.py"
        python.rename(outside)
        python.symlink_to(outside)
        with pytest.raises(HistoryError) as caught:
            Command(kind, "base").check_files(history.survey(three)[0])
        assert caught.value.code == "link-outside"


class TestRefused:
    """What a database must not be put through."""

    @pytest.mark.parametrize("target", ["1", "02", "0003"])
    @pytest.mark.parametrize("kind", [Kind.UPGRADE, Kind.DOWNGRADE, Kind.STAMP])
    def test_a_version_that_is_not_written_as_its_file(
        self, three: Environment, kind: Kind, target: str
    ) -> None:
        with pytest.raises(UsageError) as caught:
            alembic(kind, target).check(state(three, "001"), "001", None)
        assert f"did you mean {int(target):03}?" in caught.value.hint

    @pytest.mark.parametrize("target", ["001", "head", "+1", "7", "٣", ["001", "002"], None])
    def test_all_other_targets_are_left_to_alembic(
        self, three: Environment, target: object
    ) -> None:
        alembic(Kind.UPGRADE, target).check(state(three, "001"), "001", None)

    def test_one_of_several_targets_that_is_not_written_as_its_file(
        self, three: Environment
    ) -> None:
        with pytest.raises(UsageError, match="a stamp takes one version"):
            alembic(Kind.STAMP, ("001", "2")).check(state(three), "base", None)

    @pytest.mark.parametrize("kind", [Kind.UPGRADE, Kind.DOWNGRADE])
    def test_a_ledger_and_an_alembic_that_disagree(self, three: Environment, kind: Kind) -> None:
        found = state(three, "001", heads=("003",))
        with pytest.raises(LedgerError, match="the ledger and Alembic's version disagree"):
            Command(kind, "001").check(found, "001", None)

    def test_a_stamp_may_make_them_agree(self, three: Environment) -> None:
        Command(Kind.STAMP, "001").check(state(three, "001", heads=("003",)), "001", None)

    @pytest.mark.parametrize("kind", Kind)
    def test_a_server_that_takes_no_writes_but_for_looking(
        self, three: Environment, kind: Kind
    ) -> None:
        found = state(three, "001", server=Server(read_only=True))
        command = Command(kind, "001")
        if kind is Kind.INSPECT:
            command.check_writable(found)
        else:
            with pytest.raises(ServerError, match="the server is read-only"):
                command.check_writable(found)


class TestFaster:
    """Another run moved the database while this one waited to roll back."""

    @pytest.mark.parametrize("target", ["-1", "-2", "003"])
    def test_what_was_meant_for_another_state_is_refused(
        self, three: Environment, target: str
    ) -> None:
        with pytest.raises(LedgerError, match="course is now at 002"):
            Command(Kind.DOWNGRADE, target).check(state(three, "001", "002"), "003", None)

    @pytest.mark.parametrize("target", ["001", "002", "base"])
    def test_a_version_that_the_database_has_is_as_good_as_before(
        self, three: Environment, target: str
    ) -> None:
        Command(Kind.DOWNGRADE, target).check(state(three, "001", "002"), "003", None)

    def test_what_people_were_shown_is_held_against_what_is_applied(
        self, three: Environment
    ) -> None:
        command = Command(Kind.DOWNGRADE, "base")
        command.check(state(three, "001", "002"), "002", SHOWN)
        with pytest.raises(LedgerError, match="course is now at 001") as caught:
            command.check(state(three, "001"), "002", SHOWN)
        assert caught.value.detail == "it was at 002 when this run started"

    def test_an_upgrade_does_not_mind(self, three: Environment) -> None:
        Command(Kind.UPGRADE, "+1").check(state(three, "001", "002"), "001", None)


class TestMoves:
    """The steps that lead to a number, from where the database is."""

    def test_up_to_a_version_compared_as_a_number(self, three: Environment) -> None:
        moves = Command(Kind.UPGRADE, "2").moves(state(three, "001"))
        assert [(one.version, one.direction, one.reached) for one in moves] == [
            ("002", Direction.UP, "002")
        ]

    def test_up_to_the_head(self, three: Environment) -> None:
        moves = Command(Kind.UPGRADE, "head").moves(state(three, "001"))
        assert [one.version for one in moves] == ["002", "003"]

    def test_down_to_base_with_the_last_one_first(self, three: Environment) -> None:
        moves = Command(Kind.DOWNGRADE, "base").moves(state(three, "001", "002"))
        assert [(one.version, one.direction, one.reached) for one in moves] == [
            ("002", Direction.DOWN, "001"),
            ("001", Direction.DOWN, "base"),
        ]

    def test_down_to_a_version_in_other_digits_comes_to_the_one_of_the_ledger(
        self, three: Environment
    ) -> None:
        moves = Command(Kind.DOWNGRADE, "2").moves(state(three, "001", "002", "003"))
        assert [(one.version, one.reached) for one in moves] == [("003", "002")]

    def test_down_past_versions_that_have_no_file_here(self, three: Environment) -> None:
        moves = Command(Kind.DOWNGRADE, "003").moves(state(three, "001", "003", "007", "009"))
        assert [(one.version, one.reached) for one in moves] == [("009", "007"), ("007", "003")]

    @pytest.mark.parametrize("kind", [Kind.UPGRADE, Kind.DOWNGRADE])
    def test_none_where_the_database_is(self, three: Environment, kind: Kind) -> None:
        assert Command(kind, "003").moves(state(three, "001", "002", "003")) == []
