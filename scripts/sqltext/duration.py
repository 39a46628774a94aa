"""Durations as PostgreSQL writes them: `500ms`, `5s`, `2min`."""

from __future__ import annotations

import re

# https://www.postgresql.org/docs/current/config-setting.html, "Numeric with Unit"
_MILLISECONDS = {"": 1, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min|h|d)?", re.ASCII)
LIMIT = 2**31 - 1
"""The largest timeout that PostgreSQL accepts, in milliseconds."""


class MissingUnitError(ValueError):
    """A number other than 0 without a unit: PostgreSQL reads 5 as 5 ms, people mean 5 s."""

    def __init__(self, text: str) -> None:
        """Keep what may have been meant."""
        super().__init__(f"'{text}' has no unit")
        self.meant = (f"{text}s", f"{text}ms")


def milliseconds(text: str, *, bare: bool = False) -> int:
    """Read a duration.

    Args:
        text: a number with the unit ms, s, min, h or d; 0 needs none.
        bare: take a number without a unit too: for milliseconds, as PostgreSQL's timeouts do.

    Returns:
        Milliseconds, 0 to 2147483647; 0 means no limit.

    Raises:
        MissingUnitError: when only the unit is missing.
        ValueError: when the text is not a duration; the message shows what one looks like.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"'{text}' is not a duration such as 500ms, 5s or 2min")
    if float(match[1]) and not (match[2] or bare):
        raise MissingUnitError(match[1])
    value = float(match[1]) * _MILLISECONDS[match[2] or ""]
    if value > LIMIT:
        raise ValueError(f"'{text}' is longer than PostgreSQL's maximum of 24 days")
    if 0 < value < 1:
        raise ValueError(f"'{text}' is shorter than 1 ms (write 0 for no limit)")
    return round(value)


def text(value: int) -> str:
    """Write milliseconds for people: 12 ms, 3.4 s, 2 min 5 s."""
    if value < 1000:
        return f"{value} ms"
    if value < 59_950:  # above, one decimal would make it 60.0 s
        return f"{value / 1000:.1f} s"
    minutes, rest = divmod(round(value / 1000), 60)
    return f"{minutes} min {rest} s"
