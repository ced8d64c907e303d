"""Bugs that would invoice one order under two of its numbers, or under one that only looks like its own."""

from __future__ import annotations

from proof import targets
from proof.bugs.bug import Bug

_TESTS = (targets.TEST_TWO_NUMBERS,)

NUMBER_BUGS = (
    Bug(
        "any-number-comes-in",
        "an order that was sent is let in under another number",
        targets.file(targets.TWO_NUMBERS),
        "    if holder == key:\n",
        "    if True:\n",
        _TESTS,
    ),
    Bug(
        "any-number-is-claimed",
        "an order is claimed under a number that is not its own",
        targets.file(targets.ATTEMPTS),
        "        identity.is_its_number(),\n        ~restores.is_open(),\n    )\n    .with_for_update",
        "        ~restores.is_open(),\n    )\n    .with_for_update",
        _TESTS,
    ),
    Bug(
        "refused-is-unsent",
        "what was sent and refused counts as never sent",
        targets.file(targets.TWO_NUMBERS),
        "    return bool(found.attempts) and departures",
        "    return False and departures",
        _TESTS,
    ),
    Bug(
        "cancelled-comes-back",
        "an order that a person cancelled is sent under another number",
        targets.file(targets.TWO_NUMBERS),
        'if one.state == "CANCELLED" or _may_have_been_sent(connection, one)',
        "if _may_have_been_sent(connection, one)",
        _TESTS,
    ),
    Bug(
        "older-file-swaps-back",
        "a number from an older file takes over from a newer one",
        targets.file(targets.TWO_NUMBERS),
        '        if one.state != "REPLACED" and is_older(found.source_file, one.source_file):',
        "        if False:",
        _TESTS,
    ),
    Bug(
        "number-of-a-late-proof",
        "an order is sent under another number although a late proof says that it is invoiced",
        targets.file(targets.MOVES),
        '    if state == "CONFIRMED" and found.state != "INFLIGHT" and found.order_id is not None:',
        "    if False:",
        _TESTS,
    ),
    Bug(
        "slip-of-a-hand",
        "a person may let an order go that is invoiced under another number, without a word about that",
        targets.file(targets.TWO_NUMBERS),
        '        if one.state == "CONFIRMED" and not other_is_void:',
        "        if False:",
        _TESTS,
    ),
    Bug(
        "undecided-number",
        "a person may let an order go that may have been sent under another number",
        targets.file(targets.TWO_NUMBERS),
        '        if one.doubts or one.state in _SENT - {"CONFIRMED"}:',
        "        if False:",
        _TESTS,
    ),
    Bug(
        "forgotten-number",
        "after a restore one of two numbers goes by itself",
        targets.file(targets.TWO_NUMBERS),
        "            identity.give_to(connection, order_id, None)\n",
        "            pass\n",
        _TESTS,
    ),
    Bug(
        "look-alike-is-sent",
        "a number that looks like a known one is sent before anybody allowed it",
        targets.file(targets.ORDERS),
        "    if not look_alike.numbers_go and look_alikes",
        "    if False and look_alikes",
        (targets.TEST_LOOK_ALIKES,),
    ),
    Bug(
        "zeros-count",
        "leading zeros tell numbers apart",
        targets.file(targets.LIKENESS),
        "(?P<sign>[+-]?)0*(?P<whole>",
        "(?P<sign>[+-]?)(?P<whole>",
        (targets.TEST_LIKENESS,),
    ),
)
