"""What is wrong with the name of a migration's file, or with its folder."""

from __future__ import annotations

from pathlib import Path

from scripts.errors import HistoryError
from scripts.files.project import shown


def link(path: Path) -> HistoryError:
    """Return the problem of a link that leads out of its folder."""
    return HistoryError(
        f"'{path.name}' is a link that points outside its folder",
        where=shown(path),
        hint="replace the link with the file: what runs must be what was reviewed",
    ).coded("link-outside")


def misnamed(path: Path, suffix: str) -> HistoryError:
    """Return the problem of a name without a number, or with other characters."""
    return HistoryError(
        f"'{path.name}' is not a valid migration name",
        where=shown(path),
        hint=f"name it like 004_add_user_preferences{suffix}: a number, _, then "
        "letters, digits, _ and -",
    )


def folder(path: Path, root: Path) -> HistoryError | None:
    """Return the problem of a folder that is missing, or leads out of the project."""
    if not path.is_dir():
        return HistoryError(
            f"folder {shown(path)} does not exist", hint="create it; it may be empty"
        )
    if not path.resolve().is_relative_to(root.resolve()):
        return HistoryError(
            f"folder {shown(path)} is a link that points outside the project",
            where=shown(path),
            hint="replace the link with the folder: what runs must be what was reviewed",
        ).coded("link-outside")
    return None
