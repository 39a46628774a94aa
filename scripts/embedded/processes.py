"""Start processes as the server's user."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from scripts.embedded.account import Account


def run(
    command: Sequence[str], *, account: Account, keep: int
) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end, and return it with all its output as `stdout`.

    Args:
        command: the program, by its full path, and its arguments.
        account: as whom.
        keep: an open file that the command inherits, and with it the file's lock.
    """
    return subprocess.run(
        command,
        user=account.uid if account.is_other else None,
        group=account.gid if account.is_other else None,
        extra_groups=[] if account.is_other else None,
        pass_fds=[keep],
        cwd="/",
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )


def detach(command: Sequence[str], *, account: Account | None, keep: int, log: int) -> None:
    """Start a command that outlives this process and is not its child.

    A shell starts it and exits, so init becomes its parent: nothing to reap here, no zombie while
    this process lives. The new session keeps the terminal's Ctrl-C and hang-up away from it.

    Args:
        command: the program, by its full path, and its arguments.
        account: as whom; None for oneself, root included.
        keep: an open file that the command inherits, and with it the file's lock.
        log: an open file for all that it prints.
    """
    other = account if account is not None and account.is_other else None
    subprocess.run(
        ["/bin/sh", "-c", '"$@" &', "sh", *command],
        user=other.uid if other else None,
        group=other.gid if other else None,
        extra_groups=[] if other else None,
        pass_fds=[keep],
        cwd="/",
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        check=True,
    )


def _environment() -> dict[str, str]:
    # PGDATA, PGPORT, PGOPTIONS ... concern the user's own servers. Messages must be in English.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C"}
