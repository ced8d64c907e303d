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
        "any-host-name",
        "a trusted certificate for any other name will do for Retail Pro",
        "tillbridge/clients/retail_pro_wire.py",
        "        return ssl.create_default_context(cafile=settings.ca_file)\n",
        "        tls = ssl.create_default_context(cafile=settings.ca_file)\n"
        "        tls.check_hostname = False\n"
        "        return tls\n",
        ("tests/integration/test_retail_pro_credentials.py",),
    ),
    _bug(
        "any-login-header",
        "a header of a Prism login is used whatever it holds",
        "tillbridge/clients/retail_pro_login.py",
        "        is_usable = 0 < len(value) <= _LONGEST_HEADER and value.isascii() and value.isprintable()",
        "        is_usable = bool(value)",
        ("tests/integration/test_retail_pro_hostile.py",),
    ),
    _bug(
        "foreign-error",
        "an error that is not ours leaves the Retail Pro client",
        "tillbridge/clients/retail_pro_wire.py",
        "            except Exception as error:",
        "            except ZeroDivisionError as error:",
        ("tests/integration/test_retail_pro_hostile.py",),
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
