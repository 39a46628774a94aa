"""Which user runs the server: PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from scripts.errors import ServerError

if sys.platform != "win32":
    import pwd


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The user of the server's processes and files."""

    uid: int
    gid: int
    name: str

    @property
    def is_other(self) -> bool:
        """Tell whether the server runs as another user than this process, which then is root."""
        return self.uid != os.geteuid()

    def can_enter(self, folder: Path) -> bool:
        """Tell whether the user may pass through a folder and all folders above it.

        Only owner, group and mode count. Access control lists are ignored; where one forbids it,
        the server fails with a message about permissions.
        """
        resolved = folder.resolve()
        return all(self._may_pass(step) for step in (resolved, *resolved.parents) if step.exists())

    def _may_pass(self, folder: Path) -> bool:
        status = folder.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & 0o100)
        if status.st_gid == self.gid:
            return bool(status.st_mode & 0o010)
        return bool(status.st_mode & 0o001)

    def adopt(self, file: int) -> None:
        """Give the user an open file or folder that root has just created.

        What has another owner stays unchanged, and so does a file with a second hard link, which
        may be a trap in one of the user's folders. Unlike a path, an open file cannot be swapped.
        """
        status = os.fstat(file)
        single = stat.S_ISDIR(status.st_mode) or status.st_nlink == 1
        if self.is_other and status.st_uid == os.geteuid() and single:
            os.fchown(file, self.uid, self.gid)


def choose(data: Path, project: Path) -> Account:
    """Choose the user: this process's, or for root one that owns the data or the project.

    Args:
        data: the data directory, which may not exist yet.
        project: the folder of the project.

    Raises:
        ServerError: root found no unprivileged user.
    """
    if os.geteuid() != 0:
        return _account(os.geteuid())
    for owned in (data, project):
        if owned.exists() and (owner := owned.lstat().st_uid) != 0:
            return _account(owner)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise ServerError(
            "PostgreSQL cannot run as root, and there is no user 'nobody' to run it instead",
            hint=f"run this as another user, or make another user the owner of {project}",
        ) from None
    return Account(uid=nobody.pw_uid, gid=nobody.pw_gid, name=nobody.pw_name)


def _account(uid: int) -> Account:
    # A container may run as a number that has no entry in the password file.
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return Account(uid=uid, gid=os.getegid() if uid == os.geteuid() else uid, name=str(uid))
    return Account(uid=uid, gid=entry.pw_gid, name=entry.pw_name)
