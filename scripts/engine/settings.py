"""Environment variables and .env → the settings of one database, made where a command begins.

No other module of the engine reads the process's environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from scripts.engine import ci, mistyped
from scripts.engine.ci import CiRun
from scripts.errors import UsageError
from scripts.files.project import Environment, Project, shown
from scripts.sqltext import duration

DEFAULT_TABLE = "schema_migrations"
_PLAIN = r'[^".\s]+'
_PART = rf'(?:"(?:[^"]|"")+"|{_PLAIN})'
_TABLE = re.compile(rf"(?:(?P<schema>{_PART})\.)?(?P<name>{_PART})")
_MOST_RETRIES = 1000
_LONGEST_NUMBER = 9
_SHORTEST_CONNECT_TIMEOUT_MS = 1000
"""libpq counts whole seconds, and 0 would wait without limit; before version 17 it takes 1 as 2:
https://www.postgresql.org/docs/16/libpq-connect.html#LIBPQ-CONNECT-CONNECT-TIMEOUT."""
EVENTS_SUFFIX = "_events"
_NAME_LIMIT = 63
"""Bytes of an identifier: https://www.postgresql.org/docs/current/sql-syntax-lexical.html."""


class TableName(NamedTuple):
    """A table's name, with its schema where one is given; not quoted."""

    schema: str | None
    name: str

    def __str__(self) -> str:
        """Return the name for messages."""
        return f"{self.schema}.{self.name}" if self.schema else self.name

    @property
    def setting(self) -> str:
        """Return the name as MIGRATION_TABLE takes it: `table_name` reads it back."""
        parts = [part for part in (self.schema, self.name) if part]
        return ".".join(
            part if re.fullmatch(_PLAIN, part) else '"' + part.replace('"', '""') + '"'
            for part in parts
        )


class Limits(NamedTuple):
    """How long a statement may wait and run where its file's header does not say."""

    lock_timeout_ms: int
    """How long it waits for a lock; 0 waits without limit."""
    statement_timeout_ms: int
    """How long it may run; 0 sets no limit."""
    lock_retries: int
    """How many times a migration is retried after a lock timeout or a deadlock."""


class Settings(NamedTuple):
    """One database, and how its migrations are run."""

    project: Project
    environment: Environment
    url: str
    """As it was set; may hold a password, so it is never printed. Asked for at each connect."""
    ledger: TableName
    role: str
    """What to SET ROLE to; "" stays with the login's."""
    connect_wait_ms: int
    """How long to try to connect to a server that is not up; 0 tries once."""
    connect_timeout_ms: int
    """How long one attempt may take, and the first answer after it."""
    lock_wait_ms: int
    """How long to wait for another run to end; 0 waits without limit."""
    limits: Limits
    direct_url: str = ""
    """Leads past a pooler, for statements outside a transaction; "" where none is set."""
    postgres_bin: Path | None = None
    """Where the programs of an embedded server are; None takes those of the package."""
    libpq_connect_timeout: str = ""
    """PGCONNECT_TIMEOUT, which goes before `connect_timeout_ms`; "" where it is not set."""
    ci: CiRun = ci.NO_RUN

    def __repr__(self) -> str:
        """Return it without what may hold a password."""
        shown = [f"{key}={it!r}" for key, it in self._asdict().items() if "url" not in key]
        return f"Settings({', '.join(shown)})"

    @property
    def name(self) -> str:
        """Return the environment's name."""
        return self.environment.name


def load(project: Project, environment: Environment, *, need_url: bool = True) -> Settings:
    """Read an environment's settings from the process's environment and the project's .env.

    Args:
        project: the checkout; its .env is read, and what the process has set wins.
        environment: whose settings.
        need_url: False where no database is touched (`--sql`) or a connection is given; the URL is
            then "" where none is set.

    Raises:
        UsageError: for a missing URL, an invalid value, or a name that is almost a setting's.
    """
    values = _values(project)
    mistyped.refuse(values)
    url = values.get(environment.url_setting()) or _fallback(values, environment)
    if need_url and not url:
        raise _unset(environment, mistyped.urls(values, project, environment))
    bin_folder = values.get("POSTGRES_BIN")
    return Settings(
        project=project,
        environment=environment,
        url=url,
        ledger=table_name(values.get("MIGRATION_TABLE") or DEFAULT_TABLE),
        direct_url=values.get(environment.url_setting(direct=True)) or "",
        role=_role(values.get("MIGRATION_ROLE") or ""),
        connect_wait_ms=_duration(values, "MIGRATION_CONNECT_WAIT", "60s"),
        connect_timeout_ms=_duration(
            values, "MIGRATION_CONNECT_TIMEOUT", "10s", least=_SHORTEST_CONNECT_TIMEOUT_MS
        ),
        lock_wait_ms=_duration(values, "MIGRATION_LOCK_WAIT", "10min"),
        limits=Limits(
            lock_timeout_ms=_duration(values, "MIGRATION_LOCK_TIMEOUT", "5s"),
            statement_timeout_ms=_duration(values, "MIGRATION_STATEMENT_TIMEOUT", "0"),
            lock_retries=_number(values, "MIGRATION_LOCK_RETRIES", "10"),
        ),
        postgres_bin=Path(bin_folder) if bin_folder else None,
        libpq_connect_timeout=values.get("PGCONNECT_TIMEOUT") or "",
        ci=ci.read(values),
    )


def _unset(environment: Environment, meant: Iterable[str]) -> UsageError:
    where = "it is read from the environment and from .env in the project's folder"
    return UsageError(
        f"{environment.url_setting()} is not set",
        detail="\n".join((where, *meant)),
        hint=f"set it to postgresql://user:password@host/{environment.name}, "
        f"or to embedded://{environment.name} to try things out",
    )


def _values(project: Project) -> dict[str, str | None]:
    """Return the variables of the process, and for the others those of the project's .env."""
    path = project.root / ".env"
    if path.is_dir():
        # python-dotenv would silently read nothing.
        raise UsageError(
            f"{shown(path)} is a folder, but settings are read from a file of that name",
            hint="rename the folder",
        )
    try:
        values = {**_dotenv(path), **os.environ}
    except UnicodeDecodeError as error:
        raise UsageError(f"{shown(path)} is not UTF-8", hint="save it as UTF-8") from error
    except OSError as error:
        raise UsageError(
            f"{shown(path)} cannot be read: {(error.strerror or str(error)).lower()}",
            hint="check its owner and permissions",
        ) from error
    for name, value in values.items():
        if name.startswith("MIGRATION_") or name.endswith("_URL"):
            try:
                (value or "").encode()
            except UnicodeEncodeError as error:
                raise UsageError(f"{name} is not UTF-8", hint="set it again") from error
    return values


def _dotenv(path: Path) -> dict[str, str | None]:
    """Return what a .env file sets; nothing where there is none."""
    if not path.exists():
        return {}
    from dotenv import dotenv_values

    # An editor on Windows may have put a byte order mark first.
    return dotenv_values(path, interpolate=False, encoding="utf-8-sig")


def table_name(text: str, what: str = "MIGRATION_TABLE") -> TableName:
    """Read `name`, `schema.name`, or either part in double quotes.

    Case is preserved: `Audit` is the table "Audit", not audit.

    Raises:
        UsageError: when it is not such a name.
    """
    found = _TABLE.fullmatch(text.strip())
    parts = [found["schema"], found["name"]] if found else []
    names = [_unquoted(part) if part else None for part in parts]
    limit = _NAME_LIMIT - len(EVENTS_SUFFIX)
    if not names or any(len(name.encode()) > limit for name in names if name):
        raise UsageError(
            f"{what} is {text!r}, which is not a table name",
            hint=f'write {DEFAULT_TABLE}, ops.{DEFAULT_TABLE} or "my schema".{DEFAULT_TABLE}; '
            f"at most {limit} bytes each",
        )
    return TableName(names[0], names[1] or "")


def _unquoted(part: str) -> str:
    return part[1:-1].replace('""', '"') if part.startswith('"') else part


def _role(text: str) -> str:
    """Return the role; `none` is nobody's name: even in quotes SET ROLE takes it for no role."""
    return "" if text == "none" else text


def _duration(values: Mapping[str, str | None], name: str, default: str, *, least: int = 0) -> int:
    text = values.get(name) or default
    try:
        read = duration.milliseconds(text)
    except duration.MissingUnitError as error:
        hint = " or ".join(f"{name}={meant}" for meant in error.meant)
        raise UsageError(f"{name}: {error}", hint=f"write {hint}") from error
    except ValueError as error:
        raise UsageError(f"{name}: {error}", hint=f"write {name}={default}") from error
    if read < least:
        raise UsageError(
            f"{name} is '{text}', but must be at least {least // 1000}s",
            hint=f"write {name}={default}",
        )
    return read


def _number(values: Mapping[str, str | None], name: str, default: str) -> int:
    text = values.get(name) or default
    digits = text.isascii() and text.isdigit() and len(text) < _LONGEST_NUMBER
    if not (digits and int(text) <= _MOST_RETRIES):
        raise UsageError(
            f"{name} is {text!r}, but must be a number from 0 to {_MOST_RETRIES}",
            hint=f"write {name}={default}",
        )
    return int(text)


def _fallback(values: Mapping[str, str | None], environment: Environment) -> str:
    """`make` asks for the embedded server where no URL is set; nothing else does."""
    wanted = values.get("MIGRATION_FALLBACK") == "embedded"
    return f"embedded://{environment.name}" if wanted else ""
