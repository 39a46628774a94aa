"""What stands around a server: a replica, a pooler, certificates."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.embedded.account import Account
from tests.support.servers import (
    PATIENCE,
    USER,
    OwnServer,
    as_user,
    debian_bin,
    die_with_the_tests,
    folder_for_a_server,
    free_port,
    own_server,
    required,
    until,
)


@contextmanager
def replica_of(primary: OwnServer) -> Iterator[OwnServer]:
    """Make a streaming replica of a server, which is stopped and started for it."""
    primary.stop()
    with folder_for_a_server() as (folder, who):
        replica = OwnServer(folder=folder, bin=primary.bin, settings=primary.settings, who=who)
        shutil.copytree(primary.data, replica.data, copy_function=shutil.copy2)
        (replica.data / "standby.signal").touch()
        with (replica.data / "postgresql.auto.conf").open("a") as conf:
            conf.write(
                f"primary_conninfo = 'host={primary.folder} port={primary.port} user={USER}'"
            )
        for path in (replica.data, *replica.data.rglob("*")):
            os.chown(path, who.uid, who.gid)
        replica.data.chmod(0o700)
        primary.start()
        try:
            replica.start()
            until(
                lambda: primary.query("SELECT 1 FROM pg_stat_replication WHERE state='streaming'"),
                "the replica to stream",
            )
            yield replica
        finally:
            replica.stop()


@dataclass(frozen=True)
class Certificates:
    """A certification authority, a server's certificate for localhost, another authority."""

    ca: Path
    certificate: Path
    key: Path
    other_ca: Path


def certificates(folder: Path, who: Account) -> Certificates:
    """Make certificates with openssl, readable for the server's user."""
    required("openssl", found=shutil.which("openssl") is not None)
    made = Certificates(*(folder / name for name in ("ca.pem", "crt.pem", "key.pem", "other.pem")))
    for ca in (made.ca, made.other_ca):
        key = ca.with_suffix(".key")
        _openssl("req", "-x509", "-out", ca, "-keyout", key, "-subj", f"/CN={ca.stem}")
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    signed = ("-CA", made.ca, "-CAkey", made.ca.with_suffix(".key"))
    own = ("-out", made.certificate, "-keyout", made.key, "-subj", "/CN=localhost")
    _openssl("req", "-x509", *signed, *own, "-addext", names)
    made.key.chmod(0o600)
    os.chown(made.key, who.uid, who.gid)
    return made


def _openssl(*arguments: str | Path) -> None:
    command = ["openssl", *map(str, arguments), "-newkey", "rsa:2048", "-noenc", "-days", "2"]
    subprocess.run(command, check=True, capture_output=True)


@contextmanager
def tls_server() -> Iterator[tuple[OwnServer, Certificates]]:
    """Start a server that takes TLS only on its port: Debian's, for the embedded one has none."""
    found = debian_bin()
    required("Debian's PostgreSQL, which has TLS", found=found is not None)
    with own_server(found, start=False) as server:
        made = certificates(server.folder, server.who)
        server.settings = {
            "ssl": "on",
            "ssl_cert_file": str(made.certificate),
            "ssl_key_file": str(made.key),
        }
        hba = server.data / "pg_hba.conf"
        hba.write_text("local all all trust\nhostssl all all 127.0.0.1/32 trust\n")
        server.start()
        yield server, made


@contextmanager
def bouncer(
    server: Path, port: int, pool: int = 20, *, mode: str = "transaction"
) -> Iterator[Callable[[str, str], str]]:
    """Start PgBouncer before a server; gives what makes URLs.

    Args:
        server: the folder of its socket.
        port: its port.
        mode: how long a client keeps a connection.
        pool: how many connections to the server it keeps for each database and user.
    """
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    required("pgbouncer", found=program is not None)
    listen = free_port()
    with folder_for_a_server() as (folder, who):
        (folder / "users.txt").write_text("")
        config = folder / "pgbouncer.ini"
        config.write_text(
            f"[databases]\n* = host={server} port={port}\n[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {listen}\nunix_socket_dir =\n"
            f"pool_mode = {mode}\nauth_type = trust\n"
            f"auth_file = {folder}/users.txt\nmax_client_conn = 200\ndefault_pool_size = {pool}\n"
        )
        users = "".join(f'"{name}" ""\n' for name in (USER, "migrator"))
        (folder / "users.txt").write_text(users)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [str(program), str(config)],
                stdout=log,
                stderr=log,
                preexec_fn=die_with_the_tests,
                **as_user(who),
            )
        try:
            until(lambda: _listens(listen), "pgbouncer to start")
            yield lambda database, user: f"postgresql://{user}@127.0.0.1:{listen}/{database}"
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
