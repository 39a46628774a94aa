"""The pictures of terminals in docs/scenes are what the commands show."""

from __future__ import annotations

import re

import pytest

from tests.support import screen
from tests.support.workspace import REPOSITORY
from tests.tools import scenes

pytestmark = pytest.mark.database


def test_the_pictures_are_what_is_seen_now() -> None:
    for name, title, rows in scenes.made():
        path = scenes.FOLDER / f"{name}.svg"
        seen, drawn = screen.text_of(rows), scenes.drawn(path)
        stale = f"{path.name} is stale: make scenes"
        assert scenes.without_numbers(seen) == scenes.without_numbers(drawn), stale
        assert f"<title>{title}</title>" in path.read_text(), stale


def test_every_picture_is_shown_somewhere() -> None:
    texts = [REPOSITORY / "README.md", *REPOSITORY.glob("docs/*.md")]
    shown = set(re.findall(r"scenes/(\w+)\.svg", "".join(one.read_text() for one in texts)))
    assert shown == set(scenes.SCENES) == {path.stem for path in scenes.FOLDER.iterdir()}
