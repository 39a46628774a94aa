"""Every error that this project raises on purpose, each with an exit code and a hint.

    MigrationError                exit 1: a migration or a check failed
    ├── FormatError               a migration file breaks the format
    ├── HistoryError              the files of an environment do not form one history
    ├── LedgerError               the ledger does not fit the files or Alembic's version
    ├── LockError                 exit 4: another run has the lock, or this one lost it
    ├── Interrupted               exit 128 + signal: Ctrl-C, SIGTERM, SIGHUP
    ├── StatementError            PostgreSQL refused a statement
    ├── RollbackError             a migration that cannot be rolled back
    ├── FileError                 a file cannot be read or written
    ├── OutputError               what a command says cannot be written
    ├── ServerError               a server cannot be reached, or the embedded one not started
    └── UsageError                exit 2: wrong usage or configuration

One place turns them into standard error and an exit code (`console.entry` for the scripts,
`engine.runtime` for Alembic's own command line). Anything else is a bug and keeps its traceback.
"""

from scripts.errors.base import MigrationError, UsageError, counted, printable
from scripts.errors.database import (
    Interrupted,
    LedgerError,
    LockError,
    RollbackError,
    ServerError,
    StatementError,
)
from scripts.errors.files import FileError, FormatError, HistoryError, OutputError

__all__ = [
    "FileError",
    "FormatError",
    "HistoryError",
    "Interrupted",
    "LedgerError",
    "LockError",
    "MigrationError",
    "OutputError",
    "RollbackError",
    "ServerError",
    "StatementError",
    "UsageError",
    "counted",
    "printable",
]
