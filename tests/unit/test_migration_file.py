"""A migration file as bytes on disk: what is taken from it, unharmed, and what is refused."""

from __future__ import annotations

import codecs
import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.errors import FormatError
from scripts.files import checksum, migration_file
from tests.support.texts import migration, read, refusal, statements

OLD_FILE = """\
-- Migration: 001_create_users_table.sql
-- Description: Create initial users table
-- Author: System
-- Created: 2024-01-01

-- UP: Apply migration
CREATE TABLE IF NOT EXISTS users (
    id SERIAL PRIMARY KEY
);

-- DOWN: Rollback migration (for use by rollback scripts)
-- DROP TABLE IF EXISTS users;
"""


def write(folder: Path, data: bytes) -> Path:
    path = folder / "001_create_users_table.sql"
    path.write_bytes(data)
    return path


def error_of(path: Path) -> FormatError:
    with pytest.raises(FormatError) as caught:
        migration_file.read(path)
    return caught.value


def test_a_file_in_the_format_of_years_ago(tmp_path: Path) -> None:
    path = write(tmp_path, OLD_FILE.encode())

    file = migration_file.read(path)

    assert file.path == path
    assert (file.header.migration, file.header.author) == (path.name, "System")
    (up,), (down,) = file.up.statements, file.down.statements
    assert up.text == "\nCREATE TABLE IF NOT EXISTS users (\n    id SERIAL PRIMARY KEY\n);"
    assert (up.line, down.line) == (7, 12)
    assert down.text == "\nDROP TABLE IF EXISTS users;"
    assert file.rollback_sql == "DROP TABLE IF EXISTS users;\n"


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8], ids=["no-mark", "byte-order-mark"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
def test_the_checksum_is_that_of_the_file_as_git_stores_it(
    tmp_path: Path, mark: bytes, end: bytes
) -> None:
    path = write(tmp_path, mark + OLD_FILE.encode().replace(b"\n", end))

    assert migration_file.read(path).checksum == hashlib.sha256(OLD_FILE.encode()).hexdigest()
    assert checksum.of(path.read_bytes()) == migration_file.read(path).checksum


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="there is no sha256sum here")
def test_the_checksum_is_what_sha256sum_prints(tmp_path: Path) -> None:
    path = write(tmp_path, OLD_FILE.encode())
    printed = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True)

    assert printed.stdout.split()[0] == migration_file.read(path).checksum


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(OLD_FILE.replace("\n", "\r").encode(), id="lone-cr"),
        pytest.param(OLD_FILE.rstrip("\n").encode(), id="no-last-line-break"),
        pytest.param(OLD_FILE.replace("users", "Users").encode(), id="one-letter"),
        pytest.param(OLD_FILE.replace("id ", "id  ").encode(), id="one-blank"),
    ],
)
def test_any_other_change_changes_the_checksum(data: bytes) -> None:
    assert checksum.of(data) != checksum.of(OLD_FILE.encode())


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param("SELECT '%s', 100 % 3, '%%', '%(name)s';", id="percent"),
        pytest.param("SELECT :name, 'a:b', x::int, a[1:2], :'v';", id="colons"),
        pytest.param("PREPARE p AS SELECT $1, $2;", id="parameters"),
        pytest.param("SELECT 'C:\\temp\\', E'\\n\\\\', '\\';", id="backslashes"),
        pytest.param(
            "SELECT 'naïve \u2013 日本語 😀', e\u0301, '\u2028\u0085\ufeff';", id="not-ascii"
        ),
        pytest.param("SELECT '\t\f\v\x01\x7f {} {0} ${x} <%= y %>';", id="odd-characters"),
        pytest.param("SELECT 'a\r\nb\rc\nd';", id="line-ends"),
        pytest.param("SELECT $$ -- ' \" /* $x$ ; $$;", id="dollar-quotes"),
    ],
)
def test_sql_goes_through_byte_for_byte(tmp_path: Path, sql: str) -> None:
    path = write(tmp_path, migration(up=sql, down=sql).encode())

    file = migration_file.read(path)

    assert [s.text for s in file.up.statements] == [f"\n{sql}"]
    assert [s.text for s in file.down.statements] == [f"\n{sql}"]
    assert file.rollback_sql == f"{sql}\n"


def test_line_ends_stay_as_they_are_in_the_sql(tmp_path: Path) -> None:
    data = codecs.BOM_UTF8 + OLD_FILE.replace("\n", "\r\n").encode()
    (up,) = migration_file.read(write(tmp_path, data)).up.statements

    assert up.text == "\r\nCREATE TABLE IF NOT EXISTS users (\r\n    id SERIAL PRIMARY KEY\r\n);"
    assert up.line == 7


@settings(max_examples=40, derandomize=True, database=None, deadline=None)
@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_text_in_a_string_goes_through(content: str) -> None:
    sql = f"SELECT '{content.replace(chr(39), chr(39) * 2)}';"
    data = migration(up=sql, down="SELECT 2;").encode()

    file = read(migration_file.decode(data))

    assert [s.text for s in file.up.statements] == [f"\n{sql}"]
    assert file.checksum == hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()


def test_five_megabytes_go_through(tmp_path: Path) -> None:
    row = f"INSERT INTO t VALUES ('{'its; 100 % :a $1 é ' * 500}');"
    up = "\n".join([row] * 500)
    data = migration(up=up, down="-- DELETE FROM t;").encode()
    assert len(data) > 5_000_000

    file = migration_file.read(write(tmp_path, data))

    assert "".join(s.text for s in file.up.statements) == f"\n{up}"
    assert {s.text.strip() for s in file.up.statements} == {row}
    assert file.up.statements[-1].line == 501
    assert file.checksum == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8], ids=["no-mark", "byte-order-mark"])
def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path, mark: bytes) -> None:
    path = write(tmp_path, mark + migration(up="SELECT 1;\nSELECT 'é';").encode("latin-1"))
    error = error_of(path)

    assert str(error) == (
        f"error:  the file is not valid UTF-8: byte 0xe9\n"
        f"at:     {path}:3\nhelp:   save it as UTF-8"
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_other_unicode_encodings_are_refused(tmp_path: Path, encoding: str) -> None:
    error = error_of(write(tmp_path, migration().encode(encoding)))

    assert "UTF-8" in error.hint
    assert error.line == 1


def test_a_nul_byte_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, migration(up="SELECT 1;\nSELECT 'a\0b';").encode())

    assert str(error_of(path)) == (
        "error:  the file contains a NUL byte\n"
        f"at:     {path}:3\n"
        "help:   save it as UTF-8 without NUL bytes"
    )


@pytest.mark.parametrize("up", ["", "-- CREATE TABLE t ();", ";;", "/* later */", "\n\n \t\n"])
def test_an_empty_up_is_refused_at_its_marker(up: str) -> None:
    error = refusal(migration(up=up, header="-- Author: x"))

    assert error.what == "the UP section has no SQL statement"
    assert error.line == 2
    assert error.hint == ("write the SQL that applies the migration between '-- UP' and '-- DOWN'")


@pytest.mark.parametrize("down", ["", "--", ";", "\n\n", "/* nothing */"])
def test_an_empty_down_is_no_error(down: str) -> None:
    file = read(migration(down=down))

    assert file.down.statements == ()
    assert file.rollback_sql == ""


@pytest.mark.parametrize("text", ["", "\n", "SELECT 1;\n", "just words\n"])
def test_a_file_without_the_format_is_refused(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text.encode())
    error = error_of(path)

    assert error.where == f"{path}:1"
    assert "-- UP" in str(error)


def test_an_error_names_the_file_as_seen_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sql").mkdir()
    path = write(tmp_path / "sql", migration(up="SELECT 1;\nBEGIN;").encode())
    monkeypatch.chdir(tmp_path)

    assert error_of(path).where == f"sql/{path.name}:3"


def test_a_file_that_is_not_there_is_no_format_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        migration_file.read(tmp_path / "none.sql")


def test_several_statements_keep_their_order_and_lines() -> None:
    text = migration(up="SELECT 1;\n\n-- why\nSELECT 2; SELECT 3;\n")

    assert statements(text) == ["SELECT 1;", "SELECT 2;", "SELECT 3;"]
    assert [s.line for s in read(text).up.statements] == [2, 5, 5]


def test_a_folder_where_a_file_should_be_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "001_create_users.sql"
    folder.mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        migration_file.read(folder)
    assert caught.value.filename == str(folder)
