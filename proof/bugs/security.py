"""Bugs that would open a door: to who may not come in, or to what may not go out."""

from __future__ import annotations

from functools import partial

from proof.bugs.bug import Bug

_bug = partial(Bug, kind="security")

SECURITY_BUGS = (
    _bug(
        "any-host-key",
        "a server with another host key is trusted",
        "tillbridge/clients/sftp_connection.py",
        "        raise ConfigurationProblem(_host_key_problem(server, key, pinned))",
        "        pass",
        ("tests/integration/test_sftp_login.py",),
    ),
    _bug(
        "formula",
        "a cell of the CSV file may be a formula",
        "tillbridge/reporting/report.py",
        'row[column] if column == "Amount" else harmless.cell(row[column])',
        "row[column]",
        ("tests/unit/test_report.py",),
    ),
)
