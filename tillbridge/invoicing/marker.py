"""The marker beside the Order to Invoice folder: which ledger sends from there, and how far it came. Pure.

A ledger that has forgotten what it sent would send it again. So before the first byte of an order goes
out, the number of its sending stands on SFTP, in the name of a file; a ledger that knows of fewer
sendings, or is another one, sends nothing. Its name is all that changes from order to order: moving it on
is one rename.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from tillbridge.contracts import json_text
from tillbridge.counting import counted

LARGEST = 10_000
"""Bytes of a marker that are read at most."""

RUNBOOK = "The runbook is after-a-restore."
_NAME = re.compile(
    r"Ledger-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-(\d{12})-[0-9a-f]{8}\.json", re.ASCII
)


class Mark(NamedTuple):
    """A ledger, and how many sendings of one product store's orders it knows of."""

    ledger_id: str
    sendings: int

    def file_name(self, run: str) -> str:
        """Return the name of the marker that says so; `run`, eight hex digits, tells those of runs apart."""
        return f"Ledger-{self.ledger_id}-{self.sendings:012}-{run}.json"


def folder_beside(order_to_invoice_folder: str) -> str:
    """Return the folder of the marker; it is never listed for requests."""
    return f"{order_to_invoice_folder}-ledger"


def document(ledger_id: str) -> bytes:
    """Return what stands in each marker of a ledger; markers of every version have to be read."""
    return json_text.write_readable({"writtenBy": "tillbridge", "ledger": ledger_id})


def read(file_name: str, content: bytes | None) -> Mark | None:
    """Read a marker; None when tillbridge did not write that file.

    `content` is None for one that was moved on between being listed and being read, as another run does.
    """
    named = _NAME.fullmatch(file_name)
    if named is None or content not in (None, document(named[1])):
        return None
    return Mark(named[1], int(named[2]))


def objection(own: Mark, found: Mapping[str, Mark | None], folder: str) -> str:
    """Say why a ledger must not send from the folder beside; empty when it may.

    Args:
        own: what the ledger knows, read after the markers were.
        found: the files in `folder`, read.
        folder: the folder of the markers.
    """
    for name, mark in sorted(found.items()):
        if mark is None:
            return (
                f"{folder}/{name} is a file that tillbridge did not write, where only tillbridge may "
                "write. Nothing is sent. Find out who put it there, and take it away; a marker of "
                f"tillbridge stays. {RUNBOOK}"
            )
        if mark.ledger_id != own.ledger_id:
            return (
                f"{folder}/{name} says that ledger {mark.ledger_id} sent orders from here last, but this "
                f"is ledger {own.ledger_id}: another database, or one that was made anew. Nothing is sent. "
                "Correct the Order Database block if it names the wrong one; if it is the right one, stop "
                f"every worker and run `tillbridge after-restore`. {RUNBOOK}"
            )
        if mark.sendings > own.sendings:
            return (
                f"{folder}/{name} says that this ledger sent {counted(mark.sendings, 'time')} from here, but "
                f"the database knows of {own.sendings}: it was restored from a backup. Nothing is sent. Stop "
                f"every worker and run `tillbridge after-restore`. {RUNBOOK}"
            )
    return ""


def is_overcome(mark: Mark, own: Mark, *, is_restoring: bool) -> bool:
    """Say whether a marker may be taken away once the ledger's own stands there."""
    if mark.ledger_id != own.ledger_id:
        return is_restoring
    return mark.sendings <= own.sendings
