"""Bugs that would let a ledger send what it has forgotten, or what another one sent."""

from __future__ import annotations

from proof import targets
from proof.bugs.bug import Bug

_MARKER_TESTS = (targets.TEST_MARKER, targets.TEST_RESTORE_GUARD)

RESTORE_BUGS = (
    Bug(
        "another-ledger-sends",
        "a ledger sends from a folder from which another one sent last",
        targets.file(targets.MARKER),
        "        if mark.ledger_id != own.ledger_id:\n            return (",
        "        if False:\n            return (",
        _MARKER_TESTS,
    ),
    Bug(
        "older-ledger-sends",
        "a ledger that was restored from a backup sends",
        targets.file(targets.MARKER),
        "        if mark.sendings > own.sendings:",
        "        if False:",
        _MARKER_TESTS,
    ),
    Bug(
        "forged-marker",
        "any file is believed to be a marker by its name",
        targets.file(targets.MARKER),
        " or content not in (None, document(named[1])):",
        ":",
        _MARKER_TESTS,
    ),
    Bug(
        "others-marker-cleared",
        "the marker of another ledger is cleared away though no restore was declared",
        targets.file(targets.MARKER),
        "        return is_restoring\n",
        "        return True\n",
        _MARKER_TESTS,
    ),
    Bug(
        "byte-before-marker",
        "an order is sent although its marker could not be moved on",
        targets.file(targets.SENDING),
        "            raise _NotMarked(problem) from problem",
        "            pass",
        _MARKER_TESTS,
    ),
    Bug(
        "marker-for-one-of-a-group",
        "a thread that waits for the marker goes on before its own number stands there",
        targets.file(targets.RESTORE_GUARD),
        "            if sending > self._own.sendings:",
        "            if self._wanted == sending and sending > self._own.sendings:",
        _MARKER_TESTS,
    ),
    Bug(
        "numbers-of-all-stores",
        "the sendings of all stores are counted together",
        targets.file(targets.ATTEMPTS),
        "sendings.count_one(connection, key.product_store_id)",
        'sendings.count_one(connection, "")',
        _MARKER_TESTS,
    ),
    Bug(
        "old-id-after-restore",
        "a restored ledger keeps the id of the one that was lost",
        targets.file(targets.RESTORES),
        "        sendings.begin_anew(connection)\n",
        "",
        _MARKER_TESTS,
    ),
    Bug(
        "forged-answers",
        "an answer stored in a far future is believed",
        targets.file(targets.OLD_ANSWERS),
        " and end < latest for end in ends)",
        " for end in ends)",
        _MARKER_TESTS,
    ),
)
