"""Asks before something is changed that is hard to undo."""

from __future__ import annotations

import sys

from scripts.errors import UsageError


def ask(question: str, state: str) -> None:
    """Ask a question on the terminal, and go on only with a yes.

    Args:
        question: without its question mark.
        state: how things stand if the answer is another one.

    Raises:
        UsageError: when the answer is not yes, or nobody can give one.
    """
    if not sys.stdin.isatty():
        raise UsageError(
            "cannot ask for confirmation: input is not a terminal", state=state, hint="add --yes"
        )
    sys.stderr.write(f"{question}? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError("not confirmed", state=state)
