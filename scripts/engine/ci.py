"""Which commit and CI run a process belongs to, according to the common services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

_COMMITS = ("GIT_COMMIT", "GITHUB_SHA", "CI_COMMIT_SHA", "CIRCLE_SHA1", "BUILDKITE_COMMIT")
_RUNS = ("CI_JOB_URL", "BUILD_URL", "CIRCLE_BUILD_URL", "BUILDKITE_BUILD_URL")


class CiRun(NamedTuple):
    """A run of a CI service; unknown fields are empty."""

    commit: str
    url: str


NO_RUN = CiRun("", "")


def read(values: Mapping[str, str | None]) -> CiRun:
    """Read what the service has set.

    Args:
        values: environment variables.
    """
    return CiRun(_first(_COMMITS, values), _github(values) or _first(_RUNS, values))


def _first(names: tuple[str, ...], values: Mapping[str, str | None]) -> str:
    return next((found for name in names if (found := values.get(name))), "")


def _github(values: Mapping[str, str | None]) -> str:
    # https://docs.github.com/en/actions/reference/workflows-and-actions/variables
    parts = [values.get(f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    return "{}/{}/actions/runs/{}".format(*parts) if all(parts) else ""
