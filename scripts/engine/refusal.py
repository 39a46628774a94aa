"""What is shown of a statement that the server refused."""

from __future__ import annotations

from typing import NamedTuple


class Refusal(NamedTuple):
    """What is shown of a statement that the server refused."""

    headline: str
    """The server's message with its SQLSTATE."""
    detail: str
    source: str
    """The line at fault, and below it one with a caret; "" where the server names no place."""
