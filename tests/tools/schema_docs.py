"""Describe both schemas from their catalogs: docs/schema.

make docs
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.support.workspace import REPOSITORY
from tests.tools import schema_pages, schema_site

FOLDER = REPOSITORY / "docs" / "schema"


def pages() -> Iterator[tuple[Path, str]]:
    """Make each page; give its path and its text."""
    schemas = schema_pages.schemas()
    for environment, schema in schemas.items():
        yield FOLDER / f"{environment}.md", schema_pages.page(environment, schema)
    yield FOLDER / "index.html", schema_site.site(schemas)


def main() -> None:
    """Write the pages."""
    FOLDER.mkdir(exist_ok=True)
    for path, text in pages():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(REPOSITORY))


if __name__ == "__main__":
    main()
