"""The lock files: complete, so that pip has nothing to resolve, and without anything unneeded.

What a package needs is read from the metadata of what is installed, for every platform and Python
that the locks are made for. `make` installs them with --no-deps: a gap would be a missing import.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import cast

import pytest
from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.workspace import REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
LOCKS = {"requirements.lock": "embedded", "requirements-dev.lock": "dev"}
PLATFORMS = {"linux": ("posix", "Linux"), "darwin": ("posix", "Darwin"), "win32": ("nt", "Windows")}
HERE = cast(dict[str, str], default_environment())
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


@dataclass(frozen=True)
class Need:
    """A package that something needs, with the extras that it is needed with."""

    name: str
    extras: frozenset[str]
    requirement: Requirement


def locked(lock: str) -> dict[str, Requirement]:
    """Return what a lock pins, by name."""
    lines = re.findall(r"^([a-z0-9].*?)\s*\\?$", (REPOSITORY / lock).read_text(), re.MULTILINE)
    pins = [Requirement(line) for line in lines]
    assert len({pin.name for pin in pins}) == len(pins)
    return {canonicalize_name(pin.name): pin for pin in pins}


Environment = dict[str, str]
"""Values of the names that markers use."""


def environments() -> Iterator[Environment]:
    """Return the markers' values wherever the project is meant to run."""
    for platform, (os_name, system) in PLATFORMS.items():
        for python in PYTHONS:
            changed = {
                "sys_platform": platform,
                "os_name": os_name,
                "platform_system": system,
                "python_version": python,
                "python_full_version": f"{python}.0",
            }
            yield {**HERE, **changed}


def needs(texts: list[str], extras: frozenset[str], environment: Environment) -> Iterator[Need]:
    """Return what a package's requirements come to, with some of its extras, somewhere."""
    for text in texts:
        requirement = Requirement(text)
        # An extra's requirements are those whose marker holds with its name and not without.
        values = [{**environment, "extra": extra} for extra in ("", *extras)]
        if requirement.marker and not any(_holds(requirement.marker, one) for one in values):
            continue
        name = canonicalize_name(requirement.name)
        yield Need(name, frozenset(requirement.extras), requirement)


def _holds(marker: Marker, values: Environment) -> bool:
    return marker.evaluate(dict(values))


def reached(lock: str, environment: Environment) -> set[Need]:
    """Return all that the project needs somewhere, by way of whatever needs it."""
    project = canonicalize_name(PROJECT["name"])
    optional = PROJECT["optional-dependencies"]
    texts = PROJECT["dependencies"] + [
        f"{text} ; extra == '{extra}'" for extra, own in optional.items() for text in own
    ]
    known: set[Need] = set()
    waiting = list(needs(texts, frozenset({LOCKS[lock]}), environment))
    while waiting:
        need = waiting.pop()
        if need in known:
            continue
        known.add(need)
        own = texts if need.name == project else _requirements_of(need.name, environment)
        waiting += needs(own, need.extras, environment)
    return {need for need in known if need.name != project}


def _requirements_of(name: str, environment: Environment) -> list[str]:
    try:
        return metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        # Another platform's: what it needs is not known here. Here, everything is installed.
        assert environment["sys_platform"] != HERE["sys_platform"], name
        return []


def gaps(lock: str, environment: Environment) -> Iterator[str]:
    """Say what a lock lacks somewhere."""
    pins = locked(lock)
    for need in reached(lock, environment):
        pin = pins.get(need.name)
        if pin is None:
            yield f"{need.requirement} is not in {lock}"
        elif pin.marker and not _holds(pin.marker, {**environment, "extra": ""}):
            yield f"{need.requirement} is in {lock} for others only: {pin.marker}"
        elif not need.extras <= pin.extras:
            yield f"{need.requirement} is in {lock} without its extras"
        else:
            [version] = [one.version for one in pin.specifier]
            if not need.requirement.specifier.contains(version, prereleases=True):
                yield f"{need.requirement} does not fit {pin}"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_all_that_is_needed_on_every_platform_and_python(lock: str) -> None:
    assert sorted({gap for environment in environments() for gap in gaps(lock, environment)}) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_nothing_that_nobody_needs(lock: str) -> None:
    needed = {need.name for one in environments() for need in reached(lock, one)}
    assert set(locked(lock)) - needed == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_each_package_is_pinned_to_a_version_and_to_hashes(lock: str) -> None:
    text = (REPOSITORY / lock).read_text()
    entries = re.split(r"\n(?=\S)", text)
    assert len(entries) == len(locked(lock))
    for entry in entries:
        assert re.match(r"[a-z0-9][a-z0-9-]*(\[[a-z,]+\])?==\S+", entry)
        assert "--hash=sha256:" in entry


def test_what_both_locks_have_they_have_in_the_same_version() -> None:
    runtime, tools = (locked(lock) for lock in LOCKS)
    assert {name: str(pin.specifier) for name, pin in runtime.items()} == {
        name: str(tools[name].specifier) for name in runtime
    }


def test_what_is_installed_is_what_the_locks_pin() -> None:
    for name, pin in locked("requirements-dev.lock").items():
        if pin.marker is None or pin.marker.evaluate():
            assert metadata.version(name) in pin.specifier
