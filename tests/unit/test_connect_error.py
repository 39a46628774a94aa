"""What libpq says when a connection fails: whether waiting helps, and what to look at."""

from __future__ import annotations

import pytest

from scripts.engine.session import connect_error


@pytest.mark.parametrize(
    ("message", "final"),
    [
        ("FATAL:  the database system is starting up", False),
        ("FATAL:  sorry, too many clients already", False),
        ("FATAL:  remaining connection slots are reserved for roles with SUPERUSER", False),
        ('FATAL:  too many connections for role "app"', False),
        ("could not translate host name: Temporary failure in name resolution", False),
        ("SSL SYSCALL error: EOF detected", False),
        ("SSL connection has been closed unexpectedly", False),
        ("server closed the connection unexpectedly", False),
        ("FATAL:  query_wait_timeout", False),
        ("FATAL:  Timed-out waiting to acquire database connection", False),
        ('FATAL:  password authentication failed for user "app"', True),
        ("FATAL:  PAM authentication failed for user", True),
        ("fe_sendauth: no password supplied", True),
        ('FATAL:  database "cours" does not exist', True),
        ("FATAL:  no such database: cours", True),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1"', True),
        ("SSL error: certificate verify failed", True),
        ('root certificate file "/x/ca.pem" does not exist', True),
        ('server certificate for "a" does not match host name "b"', True),
        ("server does not support SSL, but SSL was required", True),
        ("FATAL:  This RDS proxy has no credentials for the role app.", True),
        ("FATAL:  unsupported startup parameter: options", True),
    ],
)
def test_only_what_waiting_mends_is_tried_again(message: str, final: bool) -> None:
    assert connect_error.is_final(message) is final


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ('FATAL:  password authentication failed for user "app"', "the user and the password in"),
        ('FATAL:  database "cours" does not exist', "create the database, or correct its name in"),
        ('FATAL:  role "ap" does not exist', "check the user in"),
        ('FATAL:  permission denied for database "course"', "GRANT CONNECT on the database"),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1"', "check user, database and sslmode in"),
        ("server does not support SSL, but SSL was required", "check sslmode and sslrootcert in"),
        ("FATAL:  unsupported startup parameter: options", "check the parameters behind the ? in"),
        ('could not translate host name "d" to address', "check the host in"),
        ("connection refused\n\tIs the server running?", "check the host and the port in"),
        ("timeout expired", "and that the server is up"),
    ],
)
def test_the_hint_is_about_what_went_wrong_and_names_the_setting(message: str, hint: str) -> None:
    said = connect_error.hint(message, "COURSE_DB_URL")
    assert hint in said
    assert "COURSE_DB_URL" in said


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (
            'connection to server at "d" (10.0.0.1), port 5432 failed: FATAL:  role "a" is not '
            "permitted to log in\n",
            'FATAL:  role "a" is not permitted to log in',
        ),
        (
            'connection to server on socket "/s" failed: No such file or directory\n'
            "\tIs the server running locally and accepting connections on that socket?\n",
            "No such file or directory",
        ),
        (
            'connection to server at "one", port 1 failed: Connection refused\n'
            "\tIs the server running?\n"
            'connection to server at "two", port 2 failed: timeout expired\n',
            "timeout expired",
        ),
        ("\tonly this", "\tonly this"),
        ("", ""),
    ],
    ids=["address", "socket", "several hosts", "one line set in", "nothing"],
)
def test_the_reason_is_the_last_hosts_without_its_address(message: str, reason: str) -> None:
    assert connect_error.reason(message) == reason


@pytest.mark.parametrize(
    "message",
    [
        "FATAL:  user does not exist: no such user",
        'FATAL:  role "a" is not permitted to log in',
        'FATAL:  database "course" is not currently accepting connections',
        "channel binding required, but server authenticated client without it",
        'FATAL:  parameter "search_path" cannot be changed now',
        'invalid integer value "x" for connection option "port"',
        'private key file "/k" has group or world access',
    ],
)
def test_what_only_a_person_can_change_is_final_in_capitals_too(message: str) -> None:
    assert connect_error.is_final(message)
    assert connect_error.is_final(message.upper())
    assert connect_error.hint(message, "X") != connect_error.hint("timeout expired", "X")
