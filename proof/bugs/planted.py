"""Bugs that would break the promise, each as one change of the source, and the tests that must notice.

`proof.bugs.mutants` plants them one by one into a copy of the project. A test suite that stays green with one
of these in the code proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

_LEDGER = "tillbridge/invoicing/ledger"
_LEDGER_TESTS = ("tests/integration/test_ledger.py", "tests/integration/test_doubts.py")
_SFTP_TESTS = (
    "tests/integration/test_sftp.py",
    "tests/faults/test_sftp_faults.py",
    "tests/proof/test_sftp_faults.py",
)


@dataclass(frozen=True, slots=True)
class Bug:
    """One planted bug: in `file`, `old` (which stands there once) becomes `new`."""

    name: str
    what: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


BUGS = (
    Bug(
        "no-write-ahead",
        "the order is sent while the ledger still says READY",
        f"{_LEDGER}/attempts.py",
        '        state="INFLIGHT",\n        owner',
        '        state="READY",\n        owner',
        _LEDGER_TESTS,
    ),
    Bug(
        "byte-before-commit",
        "an order of a group is sent before the group is committed",
        "tillbridge/database/group_commit.py",
        "        group.is_over.wait()\n",
        "",
        ("tests/integration/test_group_commit.py",),
    ),
    Bug(
        "5xx-is-ready",
        "a server error counts as not booked",
        "tillbridge/invoicing/outcome.py",
        'return _unknown("server-error", f"Retail Pro answered HTTP {status}{said}")',
        'return _not_applied("server-error", f"Retail Pro answered HTTP {status}{said}", exchange)',
        ("tests/unit/test_outcome.py",),
    ),
    Bug(
        "bad-body-is-ready",
        "a success that cannot be read counts as not booked",
        "tillbridge/invoicing/outcome.py",
        'return _unknown("answer-unreadable", "Retail Pro\'s answer is not JSON.")',
        'return _not_applied("answer-unreadable", "Retail Pro\'s answer is not JSON.", exchange)',
        ("tests/unit/test_outcome.py",),
    ),
    Bug(
        "cross-talk",
        "an answer for another order is believed",
        "tillbridge/invoicing/outcome.py",
        '    if answer.order_no not in (None, sent.order_no):\n        return _unknown("wrong-order", '
        '"Retail Pro answered for another order.")\n    if answer.made is False',
        "    if answer.made is False",
        ("tests/unit/test_outcome.py",),
    ),
    Bug(
        "4xx-on-attempt-2",
        "a refusal after a doubtful attempt counts as proof",
        "tillbridge/invoicing/outcome.py",
        "    if sent.doubtful:",
        "    if False:",
        ("tests/unit/test_outcome.py",),
    ),
    Bug(
        "doubt-forgotten",
        "a doubt that arose during the call does not spoil a refusal",
        "tillbridge/invoicing/states.py",
        '    if proof == "REJECTED" and doubts:',
        "    if False:",
        ("tests/proof/test_protocol_model.py", *_LEDGER_TESTS),
    ),
    Bug(
        "no-epoch",
        "an attempt that lost its order moves it all the same",
        f"{_LEDGER}/attempts.py",
        'holds=found.state == "INFLIGHT" and found.epoch == attempt.epoch,',
        'holds=found.state == "INFLIGHT",',
        _LEDGER_TESTS,
    ),
    Bug(
        "expiry-is-ready",
        "an order whose worker vanished is sent again",
        f"{_LEDGER}/attempts.py",
        '_move(connection, row, "UNKNOWN", _VANISHED, policy, who, now)',
        '_move(connection, row, "READY", _VANISHED, policy, who, now)',
        _LEDGER_TESTS,
    ),
    Bug(
        "living-lease",
        "an order is given up while its worker still holds it",
        f"{_LEDGER}/attempts.py",
        '                _order.state == "INFLIGHT",\n                _order.lease_until <= now,\n',
        '                _order.state == "INFLIGHT",\n',
        _LEDGER_TESTS,
    ),
    Bug(
        "sent-in-any-state",
        "an order is claimed whatever its state",
        f"{_LEDGER}/attempts.py",
        '_MAY_BE_SENT = and_(_order.state == "READY", ',
        "_MAY_BE_SENT = and_(",
        _LEDGER_TESTS,
    ),
    Bug(
        "late-proof-lost",
        "a proof that comes after the lease ran out is dropped",
        "tillbridge/invoicing/states.py",
        '        return None if state == "CONFIRMED" else "CONFIRMED"',
        '        return "CONFIRMED" if holds else None',
        _LEDGER_TESTS,
    ),
    Bug(
        "zombie",
        "an absent order is sent again although its worker may wake up",
        f"{_LEDGER}/doubts.py",
        "    if attempt_open:\n",
        "    if False:\n",
        _LEDGER_TESTS,
    ),
    Bug(
        "no-quiet-time",
        "an order is looked up while its request may still be worked on",
        f"{_LEDGER}/doubts.py",
        "                _order.sent_until <= now - policy.quiet,\n",
        "",
        _LEDGER_TESTS,
    ),
    Bug(
        "one-look-up",
        "one look-up without a result is enough to send again",
        f"{_LEDGER}/doubts.py",
        'if policy.level == "L2" and found.absent_since is None:',
        "if False:",
        _LEDGER_TESTS,
    ),
    Bug(
        "any-invoice",
        "an invoice is taken over without comparing its amount",
        "tillbridge/invoicing/doubt_policy.py",
        "    if one.total != total:",
        "    if False:",
        _LEDGER_TESTS,
    ),
    Bug(
        "key-without-key",
        "a request that had no key is repeated with one",
        f"{_LEDGER}/attempts.py",
        "found.keyed_since if found.doubts else now",
        "found.keyed_since or now",
        _LEDGER_TESTS,
    ),
    Bug(
        "changed-key",
        "each attempt has a key of its own",
        f"{_LEDGER}/attempts.py",
        '"\\0".join((*self.key, str(self.revision)))',
        '"\\0".join((*self.key, str(self.number)))',
        _LEDGER_TESTS,
    ),
    Bug(
        "conflict-is-sent",
        "an order whose number is used twice is sent",
        f"{_LEDGER}/attempts.py",
        '_MAY_BE_SENT = and_(_order.state == "READY", _order.conflict_sha256.is_(None), _IS_DUE)',
        '_MAY_BE_SENT = and_(_order.state == "READY", _IS_DUE)',
        (*_LEDGER_TESTS, "tests/integration/test_hands.py"),
    ),
    Bug(
        "changed-after-sending",
        "changed content replaces what may have been booked",
        f"{_LEDGER}/orders.py",
        "    if found.state in REPLACEABLE and not found.doubts and not is_other_order:",
        "    if not is_other_order:",
        _LEDGER_TESTS,
    ),
    Bug(
        "open-circuit",
        "an open circuit stops only the run that opened it",
        f"{_LEDGER}/attempts.py",
        '        circuit.lets_through(bindparam("server"), bindparam("by")),\n',
        "",
        ("tests/integration/test_circuit.py",),
    ),
    Bug(
        "no-breaker",
        "a sick server gets every order",
        "tillbridge/invoicing/breaker.py",
        'LONGEST_STREAK = {"unknown": 5,',
        'LONGEST_STREAK = {"unknown": 5000,',
        ("tests/unit/test_breaker.py",),
    ),
    Bug(
        "stop-is-a-sick-server",
        "orders that were held back by a stop count as a server that cannot be reached",
        "tillbridge/invoicing/sending.py",
        "        self.breaker.stop(_STOPPED)\n",
        "        pass\n",
        ("tests/unit/test_sending.py",),
    ),
    Bug(
        "stop-cuts-calls",
        "a run that is asked to stop hangs up on its calls",
        "tillbridge/clients/retail_pro.py",
        "            for _ in range(self._settings.parallel_calls):\n",
        "            for _ in range(0):\n",
        ("tests/integration/test_retail_pro_closing.py",),
    ),
    Bug(
        "stop-sends-on",
        "a run that is asked to stop sends the orders that it has just armed",
        "tillbridge/clients/retail_pro.py",
        "                is_withdrawn=self._is_closing.is_set,\n",
        "",
        ("tests/integration/test_retail_pro_closing.py",),
    ),
    Bug(
        "sent-while-restoring",
        "orders are sent while the ledger has forgotten what it sent",
        f"{_LEDGER}/attempts.py",
        "        ~restores.is_open(),\n    )\n    .with_for_update",
        "    )\n    .with_for_update",
        ("tests/integration/test_restores.py",),
    ),
    Bug(
        "hasty-hand",
        "a person may release an order that Retail Pro may still be working on",
        f"{_LEDGER}/hands.py",
        "    if sent_until is None or sent_until + quiet <= now:",
        "    if True:",
        ("tests/integration/test_hands.py",),
    ),
    Bug(
        "retry-transport",
        "the client repeats a POST that was answered 5xx",
        "tillbridge/clients/retail_pro.py",
        "        if exchange.status in {401, 403}:\n            renewed",
        "        if exchange.status and exchange.status >= 500:\n            return send(headers)\n"
        "        if exchange.status in {401, 403}:\n            renewed",
        (
            "tests/integration/test_retail_pro_client.py",
            "tests/integration/test_retail_pro_lookup.py",
        ),
    ),
    Bug(
        "no-read-back",
        "a file is published without comparing what the server has",
        "tillbridge/clients/sftp_files.py",
        "        _compare(channel, path, temporary, content)\n",
        "",
        _SFTP_TESTS,
    ),
    Bug(
        "clobbering-publish",
        "publishing overwrites a file of that name",
        "tillbridge/clients/sftp_files.py",
        "        channel.rename_to_free(temporary, path)",
        "        channel.rename_over(temporary, path)",
        _SFTP_TESTS,
    ),
    Bug(
        "no-fsync",
        "a file counts as written before it is forced to disk",
        "tillbridge/clients/sftp_files.py",
        "            channel.write(handle, content.chunks())\n            channel.sync(handle)\n",
        "            channel.write(handle, content.chunks())\n",
        _SFTP_TESTS,
    ),
    Bug(
        "written-in-place",
        "a file is written under its final name",
        "tillbridge/clients/sftp_files.py",
        "        with channel.opened(temporary, create=True) as handle:",
        "        with channel.opened(path, create=True) as handle:",
        _SFTP_TESTS,
    ),
    Bug(
        "half-read",
        "a file that changes while it is read is used",
        "tillbridge/clients/sftp_files.py",
        "            moved = channel.look_at(handle) != before",
        "            moved = False",
        (*_SFTP_TESTS, "tests/integration/test_exchange.py"),
    ),
    Bug(
        "any-host-key",
        "a server with another host key is trusted",
        "tillbridge/clients/sftp_connection.py",
        "        raise ConfigurationProblem(_host_key_problem(server, key, pinned))",
        "        pass",
        ("tests/integration/test_sftp_login.py",),
    ),
    Bug(
        "known-by-name",
        "a file counts as done because another of its name was",
        "tillbridge/handover/files.py",
        "            select(taken_file.c.result).where(\n"
        "                taken_file.c.folder == folder, taken_file.c.sha256 == sha256\n",
        "            select(taken_file.c.result).where(\n"
        "                taken_file.c.folder == folder\n",
        _LEDGER_TESTS,
    ),
    Bug(
        "float-money",
        "amounts go through floating point",
        "tillbridge/money.py",
        "    return _normal(Decimal(text))",
        "    return _normal(Decimal(str(float(text))))",
        ("tests/unit/test_money.py",),
    ),
    Bug(
        "naive-time",
        "a time of another zone is kept as if it were UTC",
        "tillbridge/database/metadata.py",
        "        moment = value.astimezone(UTC)\n",
        "        moment = value\n",
        ("tests/integration/test_database.py",),
    ),
    Bug(
        "formula",
        "a cell of the CSV file may be a formula",
        "tillbridge/reporting/report.py",
        'row[column] if column == "Amount" else harmless.cell(row[column])',
        "row[column]",
        ("tests/unit/test_report.py",),
    ),
)
