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
        "credential-in-clear",
        "a credential goes over http:// to any machine",
        "tillbridge/clients/retail_pro_settings.py",
        '        if self.credential_mode == "none" or self.allow_clear_text or not self._is_in_clear:',
        "        if True:",
        ("tests/contract/test_retail_pro_line.py",),
    ),
    _bug(
        "endless-stock",
        "the pages of the stock may go on until the worker's memory is full",
        "tillbridge/clients/retail_pro_stock.py",
        "        self._require_room(page)\n",
        "",
        ("tests/integration/test_retail_pro_hostile.py",),
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
        "any-mail-server",
        "a trusted certificate for any other name will do for the mail server",
        "tillbridge/clients/mail_dialogue.py",
        "    tls = ssl.create_default_context()\n",
        "    tls = ssl.create_default_context()\n    tls.check_hostname = False\n",
        ("tests/integration/test_mail.py",),
    ),
    _bug(
        "starttls-optional",
        "a mail server, or who sits on the line, talks us out of encryption",
        "tillbridge/clients/mail_dialogue.py",
        '            if server.security == "starttls" or dialogue.has_extn("starttls"):',
        '            if dialogue.has_extn("starttls"):',
        ("tests/integration/test_mail.py",),
    ),
    _bug(
        "mail-password-in-clear",
        "the password of the mail server goes over the network in clear",
        "tillbridge/clients/mail_dialogue.py",
        "    return encrypted or ip_address(peer).is_loopback",
        "    return True",
        ("tests/integration/test_mail.py",),
    ),
    _bug(
        "mail-header",
        "a line break in a subject makes a header of the mail",
        "tillbridge/clients/mail.py",
        '    return harmless.line(text, _LONGEST_SUBJECT).replace("=?", "= ?")',
        '    return text[:_LONGEST_SUBJECT].replace("=?", "= ?")',
        ("tests/integration/test_mail.py",),
    ),
    _bug(
        "endless-mail-dialogue",
        "a mail server that drips holds a run, or Prefect's server, for ever",
        "tillbridge/clients/mail_dialogue.py",
        "        seconds = self._seconds()\n        self.sock.settimeout(seconds)\n",
        "        seconds = self._server.timeout\n        self.sock.settimeout(seconds)\n",
        ("tests/integration/test_mail_hostile.py",),
    ),
    _bug(
        "endless-mail-reply",
        "a reply of a mail server may have any number of lines",
        "tillbridge/clients/mail_dialogue.py",
        "        if self._lines > _MOST_LINES:",
        "        if False:",
        ("tests/integration/test_mail_hostile.py",),
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
