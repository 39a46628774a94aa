"""Describe both schemas from their catalogs: docs/schema.

make docs
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.support.workspace import REPOSITORY
from tests.tools import schema_catalog, schema_pages, schema_site

FOLDER = REPOSITORY / "docs" / "schema"


def pages() -> Iterator[tuple[Path, str]]:
    """Make each page; give its path and its text."""
    schemas = schema_catalog.schemas()
    for environment, schema in schemas.items():
        yield FOLDER / f"{environment}.md", schema_pages.page(environment, schema)
    yield FOLDER / "index.html", schema_site.site(schemas)


def photograph(chromium: str, page: Path) -> Path:
    """Take the picture of a page that the README shows, as its first screen is."""
    picture = page.with_suffix(".png")
    options = ("--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=1200,760")
    subprocess.run(
        (chromium, *options, f"--screenshot={picture}", page.as_uri()),
        check=True,
        capture_output=True,
        timeout=60,
    )
    return picture


def main() -> None:
    """Write the pages; the picture too where there is a browser."""
    FOLDER.mkdir(exist_ok=True)
    for path, text in pages():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(REPOSITORY))
    chromium = shutil.which("chromium")
    if chromium:
        print(photograph(chromium, FOLDER / "index.html").relative_to(REPOSITORY))
    else:
        print("no chromium here: docs/schema/index.png was left as it is", file=sys.stderr)


if __name__ == "__main__":
    main()
