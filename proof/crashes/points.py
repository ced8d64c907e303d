"""The crash points: every boundary at which a killed worker could lose or double something.

One row for each. A row names a function of the product; the crash is planted from outside, before or after
a call of it. What the far ends do meanwhile is a scene, see `proof.crashes.scenes`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from proof import targets
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


NOTHING_MORE = "nothing more is sent, calls not waited for"
"""The point at which a run has noticed that it ends, or that it was asked to stop."""

_HAS_COMPANY = {"only": lambda call: call.args[1].members > 1}
_IS_ARMED = {"only": lambda call: call.result is not None}
_ANSWERS = {"only": lambda call: call.args[1].startswith("InvoiceResponses-")}
_SOMETHING = {"only": lambda call: bool(call.result)}
_FILE = {"within": targets.name(targets.SFTP_FILES_WRITE_NEW)}

_TABLE = (
    # The order store: orders into a feed, the feed into a file.
    Point("feed made, not committed", _EXPORT, "after", targets.FEED_TAKE, "completed"),
    Point("feed committed", _EXPORT, "after", targets.FEED_PRODUCE, "completed"),
    Point("feed about to be written", _EXPORT, "before", targets.FOLDER_PUBLISH, "completed"),
    Point("feed written", _EXPORT, "after", targets.FOLDER_PUBLISH, "completed"),
    Point("feed written, its manifest too", _EXPORT, "before", targets.FEED_MARK_SENT, "completed"),
    Point("feed marked as sent", _EXPORT, "after", targets.FEED_MARK_SENT, "completed"),
    # A file taken: claimed, fetched, done, marked, put away.
    Point("feed claimed", _TRANSFORM, "after", targets.SFTP_CHANNEL_RENAME_OVER, "feed"),
    Point("feed taken, its manifest too", _TRANSFORM, "after", targets.FOLDER_TAKE, "feed"),
    Point("feed fetched", _TRANSFORM, "after", targets.SFTP_CLIENT_GET, "feed"),
    Point(
        "origins written, not committed",
        _TRANSFORM,
        "after",
        targets.ORIGINS_REMEMBER_ORIGINS,
        "feed",
    ),
    Point(
        "origins committed",
        _TRANSFORM,
        "after",
        targets.FEED_TRANSFORMER_REMEMBER,
        "feed",
    ),
    Point(
        "requests handed over, quarantine not",
        _TRANSFORM,
        "before",
        targets.REJECTS_PUBLISH,
        "feed",
    ),
    Point(
        "quarantine report written, orders not",
        _TRANSFORM,
        "after",
        targets.SFTP_CLIENT_PUT,
        "feed",
        only=lambda call: call.args[1].endswith(".report.json"),
    ),
    Point(
        "quarantine written",
        _TRANSFORM,
        "after",
        targets.REJECTS_PUBLISH,
        "feed",
    ),
    Point(
        "feed marked, not committed", _TRANSFORM, "after", targets.HANDOVER_FILES_MARK_TAKEN, "feed"
    ),
    Point("feed marked as done", _TRANSFORM, "before", targets.FOLDER_ARCHIVE, "feed"),
    Point(
        "feed archived, its manifest not",
        _TRANSFORM,
        "after",
        targets.SFTP_CLIENT_MOVE,
        "feed",
    ),
    Point("feed archived", _TRANSFORM, "after", targets.FOLDER_ARCHIVE, "feed"),
    # A file that is of no use.
    Point(
        "unreadable file recorded, not put away",
        _TRANSFORM,
        "before",
        targets.FOLDER_QUARANTINE,
        "unreadable",
    ),
    Point(
        "unreadable file reported, not put away",
        _TRANSFORM,
        "before",
        targets.SFTP_CLIENT_MOVE,
        "unreadable",
        within=targets.name(targets.FOLDER_QUARANTINE),
    ),
    Point("unreadable file put away", _TRANSFORM, "after", targets.FOLDER_QUARANTINE, "unreadable"),
    # A file published.
    Point("temporary file made", _TRANSFORM, "before", targets.SFTP_CHANNEL_WRITE, "feed"),
    Point("temporary file written", _TRANSFORM, "after", targets.SFTP_CHANNEL_WRITE, "feed"),
    Point(
        "temporary file on disk", _TRANSFORM, "after", targets.SFTP_CHANNEL_SYNC, "feed", **_FILE
    ),
    Point("temporary file closed", _TRANSFORM, "after", targets.SFTP_FILES_WRITE_NEW, "feed"),
    Point("temporary file compared", _TRANSFORM, "after", targets.SFTP_FILES_COMPARE, "feed"),
    Point(
        "file renamed, answer not seen",
        _TRANSFORM,
        "after",
        targets.SFTP_CHANNEL_RENAME_TO_FREE,
        "feed",
        within=targets.name(targets.SFTP_FILES_SETTLE),
    ),
    Point(
        "file published, folder not on disk", _TRANSFORM, "after", targets.SFTP_FILES_SETTLE, "feed"
    ),
    Point("file published", _TRANSFORM, "after", targets.SFTP_FILES_PUT, "feed"),
    # Orders accepted.
    Point("requests claimed", _INVOICE, "after", targets.FOLDER_TAKE),
    Point("requests fetched", _INVOICE, "after", targets.SFTP_CLIENT_GET),
    Point(
        "order accepted, not committed",
        _INVOICE,
        "after",
        targets.ORDERS_ACCEPT,
    ),
    Point("orders accepted", _INVOICE, "after", targets.INTAKE_ACCEPT),
    Point("requests marked, not committed", _INVOICE, "after", targets.HANDOVER_FILES_MARK_TAKEN),
    Point("requests marked as taken", _INVOICE, "before", targets.FOLDER_ARCHIVE),
    Point("requests archived", _INVOICE, "after", targets.FOLDER_ARCHIVE),
    # Orders sent.
    Point("marker put there", _INVOICE, "after", targets.RESTORE_GUARD_PUBLISH),
    Point("older markers cleared away", _INVOICE, "after", targets.RESTORE_GUARD_BEGIN),
    Point(
        "order armed, not committed",
        _INVOICE,
        "after",
        targets.ATTEMPTS_NOTE,
        within=targets.name(targets.ATTEMPTS_ARM),
    ),
    Point("group about to commit", _INVOICE, "before", targets.GROUP_COMMIT_FINISH, **_HAS_COMPANY),
    Point(
        "group committed, members not told",
        _INVOICE,
        "after",
        targets.GROUP_COMMIT_FINISH,
        **_HAS_COMPANY,
    ),
    Point("order armed, no byte sent", _INVOICE, "after", targets.ATTEMPTS_ARM, **_IS_ARMED),
    Point("marker about to move on", _INVOICE, "before", targets.RESTORE_GUARD_MOVE_ON),
    Point("marker moved on, no byte sent", _INVOICE, "after", targets.RESTORE_GUARD_MOVE_ON),
    Point("head of the request sent", _INVOICE, "after", targets.STREAM_WRITE, only=_is_head),
    Point(
        "half of the body sent",
        _INVOICE,
        "before",
        targets.STREAM_WRITE,
        only=_is_body,
        act=_send_half,
        pause=0.1,
    ),
    Point("request sent", _INVOICE, "after", targets.STREAM_WRITE, only=_is_body),
    Point(
        "invoice made, answer not read",
        _INVOICE,
        "after",
        targets.STREAM_WRITE,
        only=_is_body,
        pause=0.3,
    ),
    Point(
        "head of the answer read",
        _INVOICE,
        "before",
        targets.WIRE_ANSWERED,
    ),
    Point(
        "answered",
        _INVOICE,
        "after",
        targets.RETAIL_PRO_CLIENT_POST_INVOICE,
    ),
    Point("answer judged", _INVOICE, "before", targets.ATTEMPTS_SETTLE),
    Point("answer settled, not committed", _INVOICE, "after", targets.ATTEMPTS_MOVE_ITSELF),
    Point("answer settled", _INVOICE, "after", targets.ATTEMPTS_SETTLE),
    Point("a sent order done", _INVOICE, "after", targets.SENDER_SEND),
    Point(NOTHING_MORE, _INVOICE, "before", targets.RETAIL_PRO_CLIENT_LET_CALLS_END),
    # The circuit.
    Point("circuit about to open", _INVOICE, "before", targets.CIRCUIT_TRIP, "trouble"),
    Point("circuit opened", _INVOICE, "after", targets.CIRCUIT_TRIP, "trouble"),
    Point("canaries chosen", _INVOICE, "after", targets.CIRCUIT_ENTER, "open_circuit"),
    Point("canaries answered", _INVOICE, "before", targets.CIRCUIT_CLOSE, "open_circuit"),
    Point("circuit closed", _INVOICE, "after", targets.CIRCUIT_CLOSE, "open_circuit"),
    # Orders whose worker was lost.
    Point(
        "lost order given up, not committed",
        _INVOICE,
        "after",
        targets.ATTEMPTS_MOVE,
        "lost_worker",
        within=targets.name(targets.ATTEMPTS_RECOVER),
    ),
    Point(
        "lost orders given up",
        _INVOICE,
        "after",
        targets.ATTEMPTS_RECOVER,
        "lost_worker",
        **_SOMETHING,
    ),
    # Answers stored.
    Point("answers named", _INVOICE, "after", targets.RESPONSES_NEXT_BATCH, **_SOMETHING),
    Point("answers about to be written", _INVOICE, "before", targets.FOLDER_PUBLISH, **_ANSWERS),
    Point("answers written", _INVOICE, "after", targets.FOLDER_PUBLISH, **_ANSWERS),
    Point("answers marked as stored", _INVOICE, "after", targets.RESPONSES_MARK_STORED),
    Point("run about to end", _INVOICE, "before", targets.INVOICE_ORDERS_SHOW_INVOICING),
    # Failures reported.
    Point(
        "report opened, not committed",
        _REPORT,
        "after",
        targets.REPORTING_REPORTS_FAILURES_OF,
        "failure",
    ),
    Point("report opened", _REPORT, "after", targets.REPORTING_REPORTS_OPEN_REPORTS, "failure"),
    Point("mail about to go out", _REPORT, "before", targets.MAIL_SEND, "failure"),
    Point("mail handed over", _REPORT, "after", targets.MAIL_SEND, "failure"),
    Point(
        "report marked as mailed",
        _REPORT,
        "after",
        targets.REPORTING_REPORTS_MARK_MAILED,
        "failure",
    ),
    # Orders in doubt, where the endpoint can be asked or minds a key.
    Point(
        "looked up, not recorded",
        _INVOICE,
        "before",
        targets.DOUBTS_RECORD,
        "doubts",
        level="L2",
    ),
    Point("found, not committed", _INVOICE, "after", targets.DOUBTS_MOVE, "doubts", level="L2"),
    Point("look-up recorded", _INVOICE, "after", targets.DOUBTS_RECORD, "doubts", level="L2"),
    Point(
        "absent twice, about to be sent again",
        _INVOICE,
        "after",
        targets.DOUBTS_RECORD,
        "absent",
        only=lambda call: call.result == "READY",
        level="L2",
    ),
    Point(
        "armed again after it was absent",
        _INVOICE,
        "after",
        targets.ATTEMPTS_ARM,
        "absent",
        only=lambda call: call.result is not None and call.result.doubtful,
        level="L2",
    ),
    Point(
        "armed again with its key",
        _INVOICE,
        "after",
        targets.ATTEMPTS_ARM,
        "doubts",
        only=lambda call: call.result is not None and call.result.doubtful,
        level="L3",
    ),
    Point(
        "sent again with its key",
        _INVOICE,
        "before",
        targets.ATTEMPTS_SETTLE,
        "doubts",
        only=lambda call: call.args[1].doubtful,
        level="L3",
    ),
)

POINTS = {point.name: point for point in _TABLE}
