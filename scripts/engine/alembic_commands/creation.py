"""`alembic revision`: the next number and the SQL file; Alembic then writes the revision file."""

from __future__ import annotations

import getpass
import subprocess
from datetime import date

from alembic.autogenerate.api import RevisionContext

from scripts.engine.observer import logger
from scripts.errors import HistoryError, UsageError
from scripts.files import history, template
from scripts.files.project import Environment, shown


def fill_in(environment: Environment, asked: RevisionContext) -> None:
    """Give the revision that Alembic is about to write its number and its SQL file.

    Args:
        environment: where the migration goes.
        asked: Alembic's command; its one generated revision is changed.

    Raises:
        UsageError: for options that do not apply to SQL files, or a name without letters.
        HistoryError: when the files there are do not form one history.
    """
    arguments = asked.command_args
    if arguments["autogenerate"]:
        raise UsageError(
            "nothing to compare the database with: migrations are SQL files, not Python models",
            state="nothing was changed",
            hint="`python scripts/validate.py` checks the files, and "
            f'`alembic -n {environment.name} revision -m "…"` begins a new one',
        )
    if arguments["rev_id"]:
        raise UsageError("--rev-id cannot be chosen: each migration gets the next number")
    message = arguments["message"]
    if message and message != message.encode("utf-8", "replace").decode():
        raise UsageError("the name is not UTF-8", state="nothing was written", hint="type it again")
    if not message:
        raise UsageError(
            "a migration needs a name",
            hint=f'alembic -n {environment.name} revision -m "what it does"',
        )
    for folder in (environment.sql, environment.versions):
        folder.mkdir(parents=True, exist_ok=True)  # git keeps no empty folders
    entries = history.read(environment).entries
    heads = asked.script_directory.get_heads()
    if heads != [entry.version for entry in entries[-1:]]:
        raise HistoryError(
            f"the revision files do not end in {entries[-1].version}",
            detail=f"heads according to Alembic: {', '.join(heads)}",
            hint="`python scripts/validate.py` names the file that breaks the chain",
        )
    entry = template.plan(environment, message)
    author = asked.config.attributes.get("author") or _author()
    path = template.write(entry, description=message, author=author, today=date.today())  # noqa: DTZ011 - the author's own date
    logger().info("%s: wrote %s", environment.name, shown(path))
    generated = asked.generated_revisions[0]
    generated.rev_id, generated.message = entry.version, entry.slug


def _author() -> str:
    """Return who writes: git's user.name, else the login's name, else nothing."""
    try:
        asked = subprocess.run(
            ["git", "config", "user.name"],  # noqa: S607 - whichever git the developer uses
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        return asked.stdout.strip() or getpass.getuser()
    except (OSError, KeyError):
        return ""
