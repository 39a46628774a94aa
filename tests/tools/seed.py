"""Fill both databases with a small site to develop with; SCALE=1000 makes a large one.

make seed
"""

from __future__ import annotations

import os
import sys
from contextlib import closing
from pathlib import Path

import psycopg2
import psycopg2.errors

sys.path.insert(0, str(Path(__file__).parents[2]))

from scripts.console import arguments
from scripts.engine import settings
from scripts.engine.session import address
from scripts.errors import MigrationError

FOLDER = Path(__file__).parent / "seeds"
_FILLED = {
    "auth": 'SELECT EXISTS (SELECT FROM "user")',
    "course": "SELECT EXISTS (SELECT FROM courses)",
}


def fill(environment: str, dsn: str, scale: int) -> None:
    """Fill a migrated database, all or nothing.

    Args:
        environment: auth or course.
        dsn: where the database is.
        scale: how many times the small site; at least 1.

    Raises:
        ValueError: when there are rows already, or the database is not migrated.
    """
    with closing(psycopg2.connect(dsn)) as connection, connection, connection.cursor() as cursor:
        try:
            cursor.execute(_FILLED[environment])
        except psycopg2.errors.UndefinedTable:
            raise ValueError(f"{environment} is not migrated: make migrate") from None
        if cursor.fetchone() == (True,):
            raise ValueError(f"{environment} has rows already; they were left alone")
        cursor.execute("SELECT set_config('seed.scale', %s, true)", (str(scale),))
        cursor.execute((FOLDER / f"{environment}.sql").read_text(encoding="utf-8"))
        # The planner knows at once what has come, not minutes later.
        cursor.execute("ANALYZE")


def main() -> None:
    """Fill what the settings name."""
    scale = os.environ.get("SCALE") or "1"
    if not (scale.isdecimal() and int(scale) > 0):
        sys.exit(f"SCALE is {scale!r}; it takes a whole number from 1")
    project = arguments.this_project()
    refused = False
    for one in project.environments:
        try:
            dsn = address.dsn(settings.load(project, one))
            fill(one.name, dsn, int(scale))
            print(f"{one.name}: filled, on {address.place(dsn)}")
        except (MigrationError, ValueError) as error:
            refused = True
            print(f"error: {error}", file=sys.stderr)
    sys.exit(refused)


if __name__ == "__main__":
    main()
