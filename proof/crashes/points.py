"""The crash points: every boundary at which a killed worker could lose or double something.

One row for each. A row names a function of the product; the crash is planted from outside, before or after
a call of it. What the far ends do meanwhile is a scene, see `proof.crashes.scenes`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from tillbridge.invoicing.doubt_policy import Level

_EXPORT, _TRANSFORM = "export-completed-orders", "transform-completed-orders"
_INVOICE, _REPORT = "invoice-orders", "report-invoice-failures"


class Call(NamedTuple):
    """One call of a function that a crash point names; `result` is None before it."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Any


@dataclass(frozen=True)
class Point:
    """One crash point.

    Args:
        name: what has just happened, in a few words.
        flow: the flow that comes by.
        when: whether the crash is before or after the call.
        target: the function, as `module:name` or `module:class.name`.
        scene: what the flow finds; a function of `proof.crashes.scenes`.
        within: only calls that come from a function of that name count.
        only: which calls count.
        act: what to do right before the crash.
        pause: seconds between the two, for the far end to go on.
        level: what the endpoint offers for orders in doubt.
    """

    name: str
    flow: str
    when: Literal["before", "after"]
    target: str
    scene: str = "orders"
    within: str = ""
    only: Callable[[Call], bool] = lambda call: True
    act: Callable[[Call], None] = lambda call: None
    pause: float = 0.0
    level: Level = "L0"

    def counts(self, call: Call) -> bool:
        """Say whether a call is a passage through this point."""
        return (not self.within or _is_within(self.within)) and self.only(call)


def _is_within(name: str) -> bool:
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        if frame.f_code.co_name == name:
            return True
    return False


def _send_half(call: Call) -> None:
    """Hand the first half of a request's bytes to the system."""
    stream, data = call.args[0], call.args[1]
    stream.get_extra_info("socket").sendall(data[: len(data) // 2])


def _is_head(call: Call) -> bool:
    return bytes(call.args[1][:5]) == b"POST "


def _is_body(call: Call) -> bool:
    return bytes(call.args[1][:1]) == b"{"


_ATTEMPTS = "tillbridge.invoicing.ledger.attempts"
_ORIGINS = "tillbridge.invoicing.ledger.origins"
_CIRCUIT = "tillbridge.invoicing.ledger.circuit"
_DOUBTS = "tillbridge.invoicing.ledger.doubts"
_REPORTS = "tillbridge.reporting.reports"
_FILES = "tillbridge.handover.files"
_RESPONSES = "tillbridge.invoicing.ledger.responses"
_GUARD = "tillbridge.invoicing.restore_guard:RestoreGuard"
_FOLDER = "tillbridge.clients.exchange:Folder"
_CHANNEL = "tillbridge.clients.sftp_channel:SftpChannel"
_PUT = "tillbridge.clients.sftp_files"
_COMMIT = "tillbridge.database.group_commit:GroupCommit._finish"
_STREAM = "tillbridge.clients.retail_pro_transport:_Stream"
_FEED = "tillbridge.oms.feed"
_RETAIL_PRO = "tillbridge.clients.retail_pro:RetailProClient"

NOTHING_MORE = "nothing more is sent, calls not waited for"
"""The point at which a run has noticed that it ends, or that it was asked to stop."""

_HAS_COMPANY = {"only": lambda call: call.args[1].members > 1}
_IS_ARMED = {"only": lambda call: call.result is not None}
_ANSWERS = {"only": lambda call: call.args[1].startswith("InvoiceResponses-")}
_SOMETHING = {"only": lambda call: bool(call.result)}
_FILE = {"within": "_write_new"}

_TABLE = (
    # The order store: orders into a feed, the feed into a file.
    Point("feed made, not committed", _EXPORT, "after", f"{_FEED}:_take", "completed"),
    Point("feed committed", _EXPORT, "after", f"{_FEED}:produce", "completed"),
    Point("feed about to be written", _EXPORT, "before", f"{_FOLDER}.publish", "completed"),
    Point("feed written", _EXPORT, "after", f"{_FOLDER}.publish", "completed"),
    Point("feed written, its manifest too", _EXPORT, "before", f"{_FEED}:mark_sent", "completed"),
    Point("feed marked as sent", _EXPORT, "after", f"{_FEED}:mark_sent", "completed"),
    # A file taken: claimed, fetched, done, marked, put away.
    Point("feed claimed", _TRANSFORM, "after", f"{_CHANNEL}.rename_over", "feed"),
    Point("feed taken, its manifest too", _TRANSFORM, "after", f"{_FOLDER}.take", "feed"),
    Point("feed fetched", _TRANSFORM, "after", "tillbridge.clients.sftp:SftpClient.get", "feed"),
    Point(
        "origins written, not committed",
        _TRANSFORM,
        "after",
        f"{_ORIGINS}:remember_origins",
        "feed",
    ),
    Point(
        "origins committed",
        _TRANSFORM,
        "after",
        "tillbridge.invoicing.feeds:FeedTransformer._remember",
        "feed",
    ),
    Point(
        "requests handed over, quarantine not",
        _TRANSFORM,
        "before",
        "tillbridge.handover.rejects:Rejects.publish",
        "feed",
    ),
    Point(
        "quarantine report written, orders not",
        _TRANSFORM,
        "after",
        "tillbridge.clients.sftp:SftpClient.put",
        "feed",
        only=lambda call: call.args[1].endswith(".report.json"),
    ),
    Point(
        "quarantine written",
        _TRANSFORM,
        "after",
        "tillbridge.handover.rejects:Rejects.publish",
        "feed",
    ),
    Point("feed marked, not committed", _TRANSFORM, "after", f"{_FILES}:mark_taken", "feed"),
    Point("feed marked as done", _TRANSFORM, "before", f"{_FOLDER}.archive", "feed"),
    Point(
        "feed archived, its manifest not",
        _TRANSFORM,
        "after",
        "tillbridge.clients.sftp:SftpClient.move",
        "feed",
    ),
    Point("feed archived", _TRANSFORM, "after", f"{_FOLDER}.archive", "feed"),
    # A file that is of no use.
    Point(
        "unreadable file recorded, not put away",
        _TRANSFORM,
        "before",
        f"{_FOLDER}.quarantine",
        "unreadable",
    ),
    Point(
        "unreadable file reported, not put away",
        _TRANSFORM,
        "before",
        "tillbridge.clients.sftp:SftpClient.move",
        "unreadable",
        within="quarantine",
    ),
    Point("unreadable file put away", _TRANSFORM, "after", f"{_FOLDER}.quarantine", "unreadable"),
    # A file published.
    Point("temporary file made", _TRANSFORM, "before", f"{_CHANNEL}.write", "feed"),
    Point("temporary file written", _TRANSFORM, "after", f"{_CHANNEL}.write", "feed"),
    Point("temporary file on disk", _TRANSFORM, "after", f"{_CHANNEL}.sync", "feed", **_FILE),
    Point("temporary file closed", _TRANSFORM, "after", f"{_PUT}:_write_new", "feed"),
    Point("temporary file compared", _TRANSFORM, "after", f"{_PUT}:_compare", "feed"),
    Point(
        "file renamed, answer not seen",
        _TRANSFORM,
        "after",
        f"{_CHANNEL}.rename_to_free",
        "feed",
        within="_settle",
    ),
    Point("file published, folder not on disk", _TRANSFORM, "after", f"{_PUT}:_settle", "feed"),
    Point("file published", _TRANSFORM, "after", f"{_PUT}:put", "feed"),
    # Orders accepted.
    Point("requests claimed", _INVOICE, "after", f"{_FOLDER}.take"),
    Point("requests fetched", _INVOICE, "after", "tillbridge.clients.sftp:SftpClient.get"),
    Point(
        "order accepted, not committed",
        _INVOICE,
        "after",
        "tillbridge.invoicing.ledger.orders:accept",
    ),
    Point("orders accepted", _INVOICE, "after", "tillbridge.invoicing.intake:Intake._accept"),
    Point("requests marked, not committed", _INVOICE, "after", f"{_FILES}:mark_taken"),
    Point("requests marked as taken", _INVOICE, "before", f"{_FOLDER}.archive"),
    Point("requests archived", _INVOICE, "after", f"{_FOLDER}.archive"),
    # Orders sent.
    Point("marker put there", _INVOICE, "after", f"{_GUARD}._publish"),
    Point("older markers cleared away", _INVOICE, "after", f"{_GUARD}._begin"),
    Point("order armed, not committed", _INVOICE, "after", f"{_ATTEMPTS}:note", within="arm"),
    Point("group about to commit", _INVOICE, "before", _COMMIT, **_HAS_COMPANY),
    Point("group committed, members not told", _INVOICE, "after", _COMMIT, **_HAS_COMPANY),
    Point("order armed, no byte sent", _INVOICE, "after", f"{_ATTEMPTS}:arm", **_IS_ARMED),
    Point("marker about to move on", _INVOICE, "before", f"{_GUARD}._move_on"),
    Point("marker moved on, no byte sent", _INVOICE, "after", f"{_GUARD}._move_on"),
    Point("head of the request sent", _INVOICE, "after", f"{_STREAM}.write", only=_is_head),
    Point(
        "half of the body sent",
        _INVOICE,
        "before",
        f"{_STREAM}.write",
        only=_is_body,
        act=_send_half,
        pause=0.1,
    ),
    Point("request sent", _INVOICE, "after", f"{_STREAM}.write", only=_is_body),
    Point(
        "invoice made, answer not read",
        _INVOICE,
        "after",
        f"{_STREAM}.write",
        only=_is_body,
        pause=0.3,
    ),
    Point(
        "head of the answer read",
        _INVOICE,
        "before",
        "tillbridge.clients.retail_pro_wire:Wire._answered",
    ),
    Point(
        "answered",
        _INVOICE,
        "after",
        f"{_RETAIL_PRO}.post_invoice",
    ),
    Point("answer judged", _INVOICE, "before", f"{_ATTEMPTS}:settle"),
    Point("answer settled, not committed", _INVOICE, "after", f"{_ATTEMPTS}:move"),
    Point("answer settled", _INVOICE, "after", f"{_ATTEMPTS}:settle"),
    Point("a sent order done", _INVOICE, "after", "tillbridge.invoicing.sending:Sender.send"),
    Point(NOTHING_MORE, _INVOICE, "before", f"{_RETAIL_PRO}._let_calls_end"),
    # The circuit.
    Point("circuit about to open", _INVOICE, "before", f"{_CIRCUIT}:trip", "trouble"),
    Point("circuit opened", _INVOICE, "after", f"{_CIRCUIT}:trip", "trouble"),
    Point("canaries chosen", _INVOICE, "after", f"{_CIRCUIT}:enter", "open_circuit"),
    Point("canaries answered", _INVOICE, "before", f"{_CIRCUIT}:close", "open_circuit"),
    Point("circuit closed", _INVOICE, "after", f"{_CIRCUIT}:close", "open_circuit"),
    # Orders whose worker was lost.
    Point(
        "lost order given up, not committed",
        _INVOICE,
        "after",
        f"{_ATTEMPTS}:_move",
        "lost_worker",
        within="recover",
    ),
    Point(
        "lost orders given up",
        _INVOICE,
        "after",
        f"{_ATTEMPTS}:recover",
        "lost_worker",
        **_SOMETHING,
    ),
    # Answers stored.
    Point("answers named", _INVOICE, "after", f"{_RESPONSES}:next_batch", **_SOMETHING),
    Point("answers about to be written", _INVOICE, "before", f"{_FOLDER}.publish", **_ANSWERS),
    Point("answers written", _INVOICE, "after", f"{_FOLDER}.publish", **_ANSWERS),
    Point("answers marked as stored", _INVOICE, "after", f"{_RESPONSES}:mark_stored"),
    Point("run about to end", _INVOICE, "before", "flows.invoice_orders:show_invoicing"),
    # Failures reported.
    Point(
        "report opened, not committed",
        _REPORT,
        "after",
        f"{_REPORTS}:_failures_of",
        "failure",
    ),
    Point("report opened", _REPORT, "after", f"{_REPORTS}:open_reports", "failure"),
    Point("mail about to go out", _REPORT, "before", "tillbridge.clients.mail:send", "failure"),
    Point("mail handed over", _REPORT, "after", "tillbridge.clients.mail:send", "failure"),
    Point("report marked as mailed", _REPORT, "after", f"{_REPORTS}:mark_mailed", "failure"),
    # Orders in doubt, where the endpoint can be asked or minds a key.
    Point(
        "looked up, not recorded",
        _INVOICE,
        "before",
        f"{_DOUBTS}:record",
        "doubts",
        level="L2",
    ),
    Point("found, not committed", _INVOICE, "after", f"{_DOUBTS}:move", "doubts", level="L2"),
    Point("look-up recorded", _INVOICE, "after", f"{_DOUBTS}:record", "doubts", level="L2"),
    Point(
        "absent twice, about to be sent again",
        _INVOICE,
        "after",
        f"{_DOUBTS}:record",
        "absent",
        only=lambda call: call.result == "READY",
        level="L2",
    ),
    Point(
        "armed again after it was absent",
        _INVOICE,
        "after",
        f"{_ATTEMPTS}:arm",
        "absent",
        only=lambda call: call.result is not None and call.result.doubtful,
        level="L2",
    ),
    Point(
        "armed again with its key",
        _INVOICE,
        "after",
        f"{_ATTEMPTS}:arm",
        "doubts",
        only=lambda call: call.result is not None and call.result.doubtful,
        level="L3",
    ),
    Point(
        "sent again with its key",
        _INVOICE,
        "before",
        f"{_ATTEMPTS}:settle",
        "doubts",
        only=lambda call: call.args[1].doubtful,
        level="L3",
    ),
)

POINTS = {point.name: point for point in _TABLE}
