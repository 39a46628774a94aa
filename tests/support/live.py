"""What tests of `validate.py --live` share: a small schema, and what is said of a database."""

from __future__ import annotations

import json
from typing import Any

from tests.support.workspace import Workspace

LIVE = ("--live", "--database", "course")
UP = """CREATE TABLE IF NOT EXISTS courses (id int PRIMARY KEY, title text NOT NULL);
CREATE TABLE IF NOT EXISTS lessons (id int PRIMARY KEY, course int REFERENCES courses (id));
CREATE INDEX IF NOT EXISTS lessons_course_idx ON lessons (course);
CREATE OR REPLACE VIEW titles AS SELECT title FROM courses;"""


def findings(workspace: Workspace, *options: str, **environment: str) -> list[dict[str, Any]]:
    done = workspace.run("validate", *LIVE, "--format", "json", *options, environment=environment)
    assert done.returncode in (0, 1), done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
    return [one for one in found if one["code"].startswith("live")]


def messages(found: list[dict[str, Any]], code: str = "live-drift") -> list[str]:
    return [one["message"] for one in found if one["code"] == code]
