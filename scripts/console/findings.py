"""Findings → text, JSON, and what GitHub, code scanning and test reports read."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from scripts import __version__
from scripts.checks import rules
from scripts.checks.finding import Extent, Finding
from scripts.checks.rules import Severity
from scripts.checks.touch import Touch
from scripts.console import layout
from scripts.engine import disclosure
from scripts.errors import counted

_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def text(found: Sequence[Finding], looked_at: Extent, touches: Sequence[Touch] = ()) -> None:
    """Print findings for people, by file, each with its source line, and a count at the end."""
    for path, group in groupby(found, key=lambda one: one.path or one.where):
        print(path)
        for finding in group:
            _print(finding)
        print()
    if touches:
        layout.say(_locks(touches), 6)
    print(f"{_counts(found)} in {looked_at}")


def _counts(found: Sequence[Finding]) -> str:
    """Count the errors, and warnings and notes where there are any: 1 error, 2 warnings."""
    numbers = {one: sum(finding.severity is one for finding in found) for one in Severity}
    return ", ".join(
        counted(number, severity.value)
        for severity, number in numbers.items()
        if number or severity is Severity.ERROR
    )


def as_json(found: Sequence[Finding], looked_at: Extent, touches: Sequence[Touch] = ()) -> None:
    """Print one object."""
    fields = [finding.as_fields() for finding in found]
    locks = [one.as_fields() for one in touches]
    found_all = {"findings": fields, "locks": locks, "looked_at": looked_at.as_fields()}
    print(json.dumps(found_all, indent=2))


def github(found: Sequence[Finding], looked_at: Extent, touches: Sequence[Touch] = ()) -> None:
    """Print workflow commands, which GitHub shows beside the lines of a pull request.

    https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
    """
    for finding in found:
        place = {
            "file": finding.path,
            "line": finding.line or (1 if finding.path else 0),
            "col": finding.column,
            "title": finding.code,
        }
        words = [finding.message, finding.detail, finding.hint and f"help: {finding.hint}"]
        message = "\n".join(word for word in words if word)
        _print_command(_LEVELS[finding.severity], place, message)
    for one in touches:
        place = {"file": one.path, "line": one.line, "title": "lock"}
        _print_command("notice", place, str(one))
    print(f"{counted(len(found), 'finding')} in {looked_at}")


def _print_command(level: str, place: Mapping[str, object], message: str) -> None:
    shown = ",".join(f"{key}={_property(value)}" for key, value in place.items() if value)
    print(f"::{level} {shown}::{_data(message)}")


def sarif(found: Sequence[Finding], looked_at: Extent) -> str:
    """Return a SARIF 2.1.0 log, for code scanning."""
    codes = sorted({finding.code for finding in found})
    run = {
        "tool": {
            "driver": {
                "name": "upskill-migrations",
                "version": __version__,
                "rules": [_rule(rules.get(code)) for code in codes],
            }
        },
        "results": [_result(finding, codes) for finding in found],
        "properties": {"lookedAt": str(looked_at)},
    }
    return json.dumps({"$schema": _SARIF, "version": "2.1.0", "runs": [run]}, indent=2)


def _print_sarif(found: Sequence[Finding], looked_at: Extent, _: Sequence[Touch] = ()) -> None:
    print(sarif(found, looked_at))


def junit(found: Sequence[Finding], looked_at: Extent, _: Sequence[Touch] = ()) -> None:
    """Print a JUnit report: a test case for each finding, or one that passed."""
    failing = [one for one in found if one.severity is not Severity.NOTE]
    suite = ElementTree.Element(
        "testsuite", name=f"migrations: {looked_at}", tests=str(max(len(found), 1))
    )
    suite.set("failures", str(len(failing)))
    if not found:
        ElementTree.SubElement(suite, "testcase", classname="validate", name=str(looked_at))
    for finding in found:
        case = ElementTree.SubElement(
            suite, "testcase", classname=finding.where, name=f"{finding.code}: {finding.message}"
        )
        if finding in failing:
            failure = ElementTree.SubElement(case, "failure", message=finding.message)
            failure.text = "\n".join(part for part in (finding.detail, finding.hint) if part)
    ElementTree.indent(suite)
    print('<?xml version="1.0" encoding="UTF-8"?>')
    ElementTree.ElementTree(suite).write(sys.stdout, encoding="unicode")
    print()


FORMATS: dict[str, Callable[[Sequence[Finding], Extent, Sequence[Touch]], None]] = {
    "text": text,
    "json": as_json,
    "github": github,
    "sarif": _print_sarif,
    "junit": junit,
}


def _locks(touches: Sequence[Touch]) -> str:
    """Return the locks of the migrations for people, by file."""
    lines = []
    for path, group in groupby(touches, key=lambda one: one.path):
        lines.append(f"{path} locks:")
        for one in group:
            lines.append(f"  line {one.line}: {one.statement}")
            lines.append(f"    {one}")
        lines.append("")
    return "\n".join(lines)


def _print(finding: Finding) -> None:
    place = f":{finding.line}" if finding.line else ""
    place += f":{finding.column}" if finding.column else ""
    layout.say(f"  {finding.severity.value}{place}: {finding.message} [{finding.code}]", 4)
    # The line would show what the message hides.
    source = "" if disclosure.is_masked(finding.message) else _source_line(finding)
    if source:
        number = f"{finding.line:>7}"
        print(f"{number} | {source}")
        if finding.column:
            print(f"{'':7} | {'':{_width(source, finding.column)}}^")
    for line in finding.detail.splitlines():
        print(f"    {line}")
    for index, line in enumerate(finding.hint.splitlines()):
        layout.say(f"    {'      ' if index else 'help: '}{line}", 10)


def _width(source: str, column: int) -> int:
    return min(column, len(source) + 1) - 1


def _source_line(finding: Finding) -> str:
    if not (finding.path and finding.line):
        return ""
    try:
        lines = Path(finding.path).read_text(encoding="utf-8-sig").splitlines()
        return lines[finding.line - 1].expandtabs(1).rstrip()[:200]
    except (OSError, UnicodeDecodeError, IndexError):
        return ""


def _rule(page: rules.Page) -> dict[str, Any]:
    return {
        "id": page.code,
        "shortDescription": {"text": page.title},
        "help": {"text": page.why, "markdown": rules.markdown(page)},
    }


def _result(finding: Finding, codes: list[str]) -> dict[str, Any]:
    level = "note" if finding.severity is Severity.NOTE else finding.severity.value
    parts = [finding.message, finding.detail, finding.hint]
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": level,
        "message": {"text": "\n".join(part for part in parts if part)},
    }
    if finding.path:
        region = {"startLine": finding.line or 1}
        if finding.column:
            region["startColumn"] = finding.column
        place = {"artifactLocation": {"uri": Path(finding.path).as_posix()}, "region": region}
        result["locations"] = [{"physicalLocation": place}]
    return result


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: object) -> str:
    return _data(str(value)).replace(":", "%3A").replace(",", "%2C")
