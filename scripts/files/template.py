"""A new migration: its number, its name, its SQL file. The revision file is Alembic's to write."""

from __future__ import annotations

import errno
import os
import re
import unicodedata
from datetime import date
from io import FileIO
from pathlib import Path

from scripts.errors import FileError, UsageError
from scripts.files import history
from scripts.files.history import Entry
from scripts.files.project import Environment, shown

SLUG_LIMIT = 60
"""Characters of a slug; `truncate_slug_length` in alembic.ini is the same number."""

_TEXT = """\
-- Migration: {filename}
-- Description: {description}
-- Author: {author}
-- Created: {created}

-- UP: Apply migration


-- DOWN: Rollback migration (for use by rollback scripts)

"""


def slug(name: str) -> str:
    """Turn a name into the words of a file name: `Add user's préférences` → add_users_preferences.

    Raises:
        UsageError: when nothing is left of it.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words: list[str] = re.findall(r"[a-z0-9]+", plain.replace("'", ""))
    if not words:
        raise UsageError(
            f"cannot make a file name from {name!r}",
            hint="describe the change with the letters a to z: add_user_prefs",
        )
    joined = words[0][:SLUG_LIMIT]
    for word in words[1:]:
        if len(joined) + 1 + len(word) > SLUG_LIMIT:
            break
        joined += f"_{word}"
    return joined


def plan(environment: Environment, name: str) -> Entry:
    """Return the migration that `name` would become; nothing is written.

    Raises:
        UsageError: when the name makes no file name.
    """
    version, words = history.next_version(environment), slug(name)
    return Entry(version, words, environment.sql, f"{version}_{words}.sql", int(version))


def write(entry: Entry, *, description: str, author: str, today: date) -> Path:
    """Write the SQL file of a new migration, with empty sections for its author to fill.

    Args:
        entry: what `plan` returned.
        description: one line for people; line breaks in it become spaces.
        author: likewise; "" leaves the line empty.
        today: the date for `Created`.

    Returns:
        The file's path.

    Raises:
        UsageError: when the file already exists.
        FileError: when it cannot be written; then there is none.
    """
    text = _TEXT.format(
        filename=entry.filename,
        description=" ".join(description.split()),
        author=" ".join(author.split()),
        created=today.isoformat(),
    )
    try:
        # Without a buffer, which would be written a second time as the file is closed.
        with entry.path.open("xb", buffering=0) as file:
            _fill(file, text.encode(), entry.path)
    except FileExistsError as error:
        raise UsageError(
            f"{shown(entry.path)} already exists",
            hint="run the command again to get the next number",
        ) from error
    return entry.path


def _fill(file: FileIO, data: bytes, path: Path) -> None:
    try:
        written, reason = file.write(data), os.strerror(errno.ENOSPC)
    except OSError as error:
        written, reason = 0, error.strerror or str(error)
    if written < len(data):
        path.unlink(missing_ok=True)
        raise FileError(
            f"cannot write {shown(path)}: {reason.lower()}",
            hint="check the disk space, and run the command again",
        )
