"""Settings whose names are almost right: they would silently have no effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scripts.errors import UsageError
from scripts.files.project import Environment, Project

SETTINGS = (
    "MIGRATION_TABLE",
    "MIGRATION_ROLE",
    "MIGRATION_CONNECT_WAIT",
    "MIGRATION_CONNECT_TIMEOUT",
    "MIGRATION_LOCK_WAIT",
    "MIGRATION_LOCK_TIMEOUT",
    "MIGRATION_STATEMENT_TIMEOUT",
    "MIGRATION_LOCK_RETRIES",
    "MIGRATION_FALLBACK",
)
_PREFIX = "MIGRATION_"
# Below this likeness two names are different names: MIGRATION_DIR and MIGRATION_ROLE are,
# MIGRATION_LOCK_TIMOUT and MIGRATION_LOCK_TIMEOUT are not (difflib's ratio without the prefix).
_LIKENESS = 0.75


def refuse(values: Mapping[str, str | None]) -> None:
    """Refuse a variable that is almost the name of an unset setting; leave others alone.

    Args:
        values: what the process and .env have set.

    Raises:
        UsageError: with the setting that was meant.
    """
    unset = {name.removeprefix(_PREFIX): name for name in SETTINGS if not values.get(name)}
    for name in sorted(values):
        if not (name.upper().startswith(_PREFIX) and values[name]) or name in SETTINGS:
            continue
        import difflib

        close = difflib.get_close_matches(name.upper()[len(_PREFIX) :], unset, 1, _LIKENESS)
        if close:
            raise UsageError(
                f"{name} is not a setting; did you mean {unset[close[0]]}?",
                detail="it has no effect",
                hint=f"set {unset[close[0]]}, or unset {name}; settings are read from the "
                "environment and from .env in the project's folder",
            )


def urls(
    values: Mapping[str, str | None], project: Project, environment: Environment
) -> Iterator[str]:
    """Name the variables that may have been meant for a URL that is not set.

    Args:
        values: what the process and .env have set.
        project: whose own settings were not meant.
        environment: whose URL is missing.

    Returns:
        A line for each.
    """
    wanted = environment.url_setting()
    known = [
        one.url_setting(direct=direct) for one in project.environments for direct in (False, True)
    ]
    import difflib

    for name in sorted(values):
        likeness = difflib.SequenceMatcher(None, name.upper(), wanted).ratio()
        if values[name] and name not in known and likeness >= _LIKENESS:
            yield f"{name} is set; did you mean {wanted}?"
