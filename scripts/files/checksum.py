"""The checksum of a migration file; it needs nothing else of the format."""

from __future__ import annotations

import codecs
import hashlib


def of(data: bytes) -> str:
    """Return the SHA-256 of a file as git stores it: no byte order mark, LF line ends.

    Returns:
        64 hexadecimal digits, what `sha256sum` prints for the file on a machine with LF files.
    """
    plain = data.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n")
    return hashlib.sha256(plain).hexdigest()
