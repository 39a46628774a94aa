"""Options beside Alembic's command: programs set them in `attributes`, people with `-x`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from scripts.errors import UsageError
from scripts.files import history

if TYPE_CHECKING:
    from scripts.engine.step import Step

_NAMES = ("drop_existing", "partial")
_SHOW_VALUES = "show_values"


class Switches(NamedTuple):
    """The choices of one run."""

    use_file: bool = False
    """Roll back with the files' DOWN instead of the SQL that the ledger stores."""
    confirmed: tuple[Step, ...] | None = None
    """What people have been shown, the first one to go first; None if nobody was asked."""
    drop_existing: frozenset[int] = frozenset()
    """The versions whose rollback may drop objects that existed before them, as numbers."""
    partial: int | None = None
    """The half-applied version that is to be rolled back instead of an applied one."""

    def may_drop_existing(self, version: str) -> bool:
        """Tell whether a version's rollback may drop objects that existed before it."""
        return history.number(version) in self.drop_existing


NO_SWITCHES = Switches()


def read(chosen: Switches, given: Iterable[str]) -> Switches:
    """Read the choices.

    Args:
        chosen: a program's.
        given: what stands behind each `-x`, as name=value.

    Raises:
        UsageError: for an unknown switch, or a value that is not a version.
    """
    values: dict[str, list[str]] = {name: [] for name in _NAMES}
    for text in given:
        name, _, value = text.partition("=")
        if name == _SHOW_VALUES:
            continue  # belongs to the door: see `shows_values`
        if name not in values:
            raise _unknown(name)
        values[name].append(value)
    partial = values["partial"]
    if len(partial) > 1:
        raise UsageError("partial was given twice", hint="roll back one file at a time")
    more = frozenset(_version("drop_existing", text) for text in values["drop_existing"])
    return chosen._replace(
        drop_existing=chosen.drop_existing | more,
        partial=_version("partial", partial[0]) if partial else chosen.partial,
    )


def shows_values(given: Iterable[str]) -> bool:
    """Tell whether whoever typed the command asked to see what the server says in full.

    Args:
        given: what stands behind each `-x`.

    Raises:
        UsageError: for a value other than true or false.
    """
    shown = False
    for text in given:
        name, _, value = text.partition("=")
        if name == _SHOW_VALUES:
            if value not in ("true", "false"):
                raise UsageError(
                    f"-x show_values needs true or false, but got '{value}'",
                    state="nothing was changed",
                    hint="write -x show_values=true",
                )
            shown = value == "true"
    return shown


def _version(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= history.VERSION_LIMIT):
        raise UsageError(
            f"-x {name} needs a version, but got '{text}'", hint=f"write -x {name}=007"
        )
    return int(text)


def _unknown(name: str) -> UsageError:
    import difflib

    close = difflib.get_close_matches(name, (*_NAMES, _SHOW_VALUES), 1)
    return UsageError(
        f"unknown switch -x {name}",
        state="nothing was changed",
        hint=f"did you mean {_written(close[0])}?"
        if close
        else f"known switches: {', '.join(_written(known) for known in (*_NAMES, _SHOW_VALUES))}",
    )


def _written(name: str) -> str:
    return f"-x {name}={'true' if name == _SHOW_VALUES else 'VERSION'}"


def check_terminal(*, is_terminal: bool, as_json: bool = False) -> None:
    """Refuse to show values where they would be kept.

    Raises:
        UsageError: where standard error is a file or a pipe, or JSON was asked for.
    """
    if is_terminal and not as_json:
        return
    raise UsageError(
        "values of rows are shown only on a terminal, but "
        + ("--json was asked for" if as_json else "standard error is not a terminal"),
        state="nothing was changed",
        hint="run it on a terminal, or leave out --show-values (alembic: -x show_values=true)",
    )
