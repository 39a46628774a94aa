"""The checksum of a migration file; it needs nothing else of the format."""

from __future__ import annotations

import codecs
import hashlib
import os

_MOST = 1 << 20
"""Bytes of each read after the first."""


def of_file(folder: str, filename: str) -> str:
    """Return the checksum of a file; see `of`.

    Raises:
        OSError: when it cannot be read.
    """
    return of(read(folder, filename))


def read(folder: str, filename: str) -> bytes:
    """Return what is in a file; without a path object, for there may be thousands.

    Raises:
        OSError: when it cannot be read.
    """
    path = f"{folder}/{filename}"
    opened = os.open(path, os.O_RDONLY)
    try:
        # All of it and one byte, so that the second read finds the end.
        data = os.read(opened, os.fstat(opened).st_size + 1)
        while more := os.read(opened, _MOST):
            data += more
    except OSError as error:
        error.filename = path  # reading does not know it
        raise
    finally:
        os.close(opened)
    return data


def of(data: bytes) -> str:
    """Return the SHA-256 of a file as git stores it: no byte order mark, LF line ends.

    Returns:
        64 hexadecimal digits, what `sha256sum` prints for the file on a machine with LF files.
    """
    plain = data.removeprefix(codecs.BOM_UTF8)
    if b"\r" in plain:
        plain = plain.replace(b"\r\n", b"\n")
    return hashlib.sha256(plain).hexdigest()
