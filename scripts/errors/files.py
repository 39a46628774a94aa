"""Errors of files: their format, their order, the disk that they lie on; and of the output."""

from __future__ import annotations

from scripts.errors.base import MigrationError


class FormatError(MigrationError):
    """A migration file breaks the format.

    Args:
        what: as for every error.
        line: the line that shows it; the first is 1.
        path: the file as people name it; left out by code that reads text without knowing its file.
        hint: as for every error.
        code: the check that names it: see `checks.rules`.
    """

    def __init__(
        self, what: str, *, line: int, path: str = "", hint: str = "", code: str = "format"
    ) -> None:
        """Keep path and line apart: a finding of validate.py carries both."""
        where = f"{path}:{line}" if path else f"line {line}"
        super().__init__(what, where=where, hint=hint)
        self.line = line
        self.path = path
        self.code = code

    def in_file(self, path: str) -> FormatError:
        """Return the same error with its file named."""
        return FormatError(self.what, line=self.line, path=path, hint=self.hint, code=self.code)


class HistoryError(MigrationError):
    """The files of an environment do not form one history."""

    code = "file-name"
    """The check that names it: see `checks.rules`."""

    def coded(self, code: str) -> HistoryError:
        """Return the error with another check's name."""
        self.code = code
        return self


class FileError(MigrationError):
    """A file or folder cannot be read or written."""

    @classmethod
    def of(cls, error: OSError) -> FileError:
        """Return an error with the operating system's message, without a traceback."""
        what = (error.strerror or str(error)).lower()
        return cls(
            f"{what}",
            where=str(error.filename or ""),
            hint="check the path, its owner and permissions, and the disk space",
        )


class OutputError(MigrationError):
    """What a command says cannot be written: the disk is full, or its reader has gone."""

    @classmethod
    def of(cls, error: Exception) -> OutputError:
        """Return an error with the reason."""
        reason = (error.strerror if isinstance(error, OSError) else "") or str(error)
        return cls(
            f"cannot write the output: {reason or type(error).__name__}",
            hint="check where the output goes; `python scripts/status.py` shows what is applied",
        )
