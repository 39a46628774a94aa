"""Draw how long migrations take, by their number: ours, psql, plain Alembic, dbmate.

    make plot   # writes docs/performance.svg, and prints the figures

dbmate is measured where it is installed: `pip install upskill-migrations[bench]`.
"""

from __future__ import annotations

import math
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from scripts.embedded import server
from tests.support.workspace import REPOSITORY
from tests.tools import workloads
from tests.tools.measuring import Spread, Taken
from tests.tools.workbench import MIGRATE, Bench

SIZES = (1, 10, 100, 1000)
ROUNDS = 3
_ENV = """
import os
from alembic import context
from sqlalchemy import create_engine

with create_engine(os.environ["PLAIN_URL"]).connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
"""
_REVISION = """
from alembic import op

revision, down_revision = {version!r}, {below!r}


def upgrade():
    for statement in {statements!r}:
        op.execute(statement)
"""
_COLOURS = {"migrate.py": "#0b6e99", "psql": "#444444", "Alembic": "#c0504d", "dbmate": "#6a9f2f"}
WIDTH, HEIGHT, LEFT, BOTTOM = 640, 360, 56, 40


def alembic_project(folder: Path, size: int) -> None:
    """Write a project of Alembic alone, with the same statements."""
    (folder / "plain/versions").mkdir(parents=True)
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/plain\n")
    (folder / "plain/env.py").write_text(_ENV)
    for number in range(1, size + 1):
        version, below = f"{number:05}", f"{number - 1:05}" if number > 1 else None
        statements = [one.replace(":", r"\:") for one in workloads.up(number).split(";\n")]
        (folder / f"plain/versions/{version}.py").write_text(
            _REVISION.format(version=version, below=below, statements=statements)
        )


def dbmate_project(folder: Path, size: int) -> None:
    """Write a folder of dbmate's migrations, with the same statements."""
    folder.mkdir(parents=True)
    for number in range(1, size + 1):
        (folder / f"{number:05}_bench.sql").write_text(
            f"-- migrate:up\n{workloads.up(number)}\n\n-- migrate:down\n"
            f"DROP TABLE IF EXISTS bench_{number:05};\n"
        )


def contenders(bench: Bench, size: int) -> dict[str, Callable[[], Taken]]:
    """Return what applies that many migrations to an empty database, by its name."""
    workspace = bench.history(size)
    script = bench.script(f"plot-{size}.sql", workloads.upgrades(size))
    plain = bench.folder / f"alembic-{size}"
    alembic_project(plain, size)
    url = bench.postgres.url("course")
    alembic = (sys.executable, "-m", "alembic", "upgrade", "head")
    driver = url.replace("postgresql://", "postgresql+psycopg2://")
    found: dict[str, Callable[[], Taken]] = {
        "psql": lambda: bench.psql(script),
        "migrate.py": lambda: bench.run(MIGRATE, workspace.root),
        "Alembic": lambda: bench.run(alembic, plain, PLAIN_URL=driver),
    }
    program = shutil.which("dbmate", path=str(Path(sys.executable).parent))
    if program:
        folder = bench.folder / f"dbmate-{size}"
        dbmate_project(folder, size)
        to = url.replace("postgresql://", "postgres://") + "&sslmode=disable"
        command = (program, "--no-dump-schema", "--url", to, "-d", folder, "up")
        found["dbmate"] = lambda: bench.run(command, bench.folder)
    return found


def measure(bench: Bench) -> dict[str, list[float]]:
    """Return the seconds of each contender, by the number of migrations."""
    times: dict[str, list[float]] = {}
    for size in SIZES:
        works = contenders(bench, size)
        taken: dict[str, list[float]] = {name: [] for name in works}
        for _ in range(ROUNDS):
            for name, work in works.items():
                bench.recreate()
                taken[name].append(work().wall)
        for name, figures in taken.items():
            times.setdefault(name, []).append(Spread.of(figures).median)
    return times


def svg(times: Mapping[str, Sequence[float]]) -> str:
    """Draw the times on logarithmic axes."""
    most = max(max(figures) for figures in times.values())
    lowest, highest = math.floor(math.log10(0.02)), math.ceil(math.log10(most))

    def x(size: int) -> float:
        return LEFT + math.log10(size) / 3 * (WIDTH - LEFT - 110)

    def y(seconds: float) -> float:
        share = (math.log10(seconds) - lowest) / (highest - lowest)
        return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - 16)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for power in range(lowest, highest + 1):
        at = y(10.0**power)
        parts.append(f'<path d="M{LEFT} {at:.1f}H{x(1000):.1f}" stroke="#dddddd"/>')
        label = f"{10.0**power:g} s"
        parts.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{label}</text>')
    for size in SIZES:
        label = f'<text x="{x(size):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{size}'
        parts.append(f"{label}</text>")
    parts.append(f'<text x="{x(32):.1f}" y="{HEIGHT - 6}" text-anchor="middle">migrations</text>')
    ends: list[float] = []
    for name in sorted(times, key=lambda one: times[one][-1]):
        points = " ".join(
            f"{x(size):.1f},{y(one):.1f}" for size, one in zip(SIZES, times[name], strict=True)
        )
        colour = _COLOURS[name]
        line = f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        end = y(times[name][-1]) + 4
        while any(abs(end - other) < 14 for other in ends):
            end -= 2  # names that would lie on each other
        ends.append(end)
        name_of = f'<text x="{x(1000) + 8:.1f}" y="{end:.1f}" fill="{colour}">{name}</text>'
        parts += [line, name_of]
    return "\n".join([*parts, "</svg>\n"])


def main() -> None:
    """Measure, print and draw."""
    with tempfile.TemporaryDirectory(prefix="upskill-plot-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres = server.join(folder / "postgres", ephemeral=True)
        workloads.recreate(postgres, "auth")
        times = measure(Bench(folder, postgres))
        server.leave(folder / "postgres")
    print(f"| migrations | {' | '.join(times)} |\n|---:|{'---:|' * len(times)}")
    for at, size in enumerate(SIZES):
        print(f"| {size} | {' | '.join(f'{one[at]:.2f} s' for one in times.values())} |")
    (REPOSITORY / "docs/performance.svg").write_text(svg(times))


if __name__ == "__main__":
    main()
