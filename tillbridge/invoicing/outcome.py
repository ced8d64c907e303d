"""What one exchange with Retail Pro proves about an order. Pure.

The question is never "may this be retried?" but "can anything have been booked?". Only a proof moves
an order to CONFIRMED, REJECTED or back to READY; everything else is UNKNOWN.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from tillbridge.contracts.http_exchange import Exchange
from tillbridge.contracts.invoice_answer import AnswerReading, InvoiceAnswer, read_answer

State = Literal["CONFIRMED", "REJECTED", "UNKNOWN", "READY"]

NOT_SENT = "not-sent"
"""The reason code of an attempt of which provably no byte left."""

LOOK_UP = "Look the order up in Retail Pro before anything is sent again."
_MEND_SETTING = "Mend the Retail Pro block, then run invoice-orders again; no order was used up."
_MEND_ORDER = "Mend the order or its customer in the order management system and export it again."
_WAIT = "Nothing to do; the next run sends it."


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent: the order, its total, and whether an earlier attempt may have been booked."""

    order_no: str
    total: Decimal
    doubtful: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where the order goes and what a person should know.

    `reason_code` groups equal reasons. `halt` says that no other order can fare better, so the run
    stops; `retry_after` is in seconds.
    """

    state: State
    reason_code: str
    reason: str
    next_step: str
    erp_ref: str | None = None
    halt: bool = False
    retry_after: float | None = None


def judge(
    exchange: Exchange,
    sent: Sent | None,
    reading: AnswerReading,
    *,
    too_many_is_unapplied: bool = True,
) -> Verdict:
    """Decide what `exchange` proves about `sent`.

    Args:
        exchange: the facts, as the client saw them.
        sent: the order the request was made from; None when it never came to a request.
        reading: how this endpoint's answers are read.
        too_many_is_unapplied: whether HTTP 429 proves that nothing was booked.
    """
    if exchange.stage == "not_sent" or sent is None:
        return _not_applied(NOT_SENT, exchange.problem or "The request was not sent.", exchange)
    if exchange.stage == "sent_no_answer" or exchange.status is None:
        problem = f" ({exchange.problem})" if exchange.problem else ""
        return _unknown("no-answer", f"The order was sent, but no answer came{problem}.")
    return _judge_status(exchange.status, exchange, sent, reading, too_many_is_unapplied)


def _judge_status(
    status: int, exchange: Exchange, sent: Sent, reading: AnswerReading, too_many_is_unapplied: bool
) -> Verdict:
    answer = read_answer(exchange.body, reading) if exchange.body_complete else None
    said = f": {answer.message}" if answer and answer.message else "."
    match status:
        case 202:
            return _unknown("not-final", "Retail Pro accepted the order but has not booked it yet.")
        case _ if 200 <= status < 300:
            return _judge_success(exchange, answer, sent, reading)
        case 400 | 413 | 422:
            return _judge_refusal(
                answer, sent, f"Retail Pro refused the order (HTTP {status}){said}"
            )
        case 409:
            number = f", invoice {answer.reference}" if answer and answer.reference else ""
            return _unknown(
                "already-there", f"Retail Pro says that it has this order already{number}{said}"
            )
        case 429 if too_many_is_unapplied:
            return _not_applied("too-many-calls", "Retail Pro asked for fewer calls.", exchange)
        case 307 | 308 | 401 | 403 | 404 | 405 | 415:
            return Verdict("READY", "setting", _setting(status), _MEND_SETTING, halt=True)
        case _ if 300 <= status < 400:
            return _unknown("redirected", f"Retail Pro answered with a redirect ({status}).", True)
        case _:
            return _unknown("server-error", f"Retail Pro answered HTTP {status}{said}")


def _judge_success(
    exchange: Exchange, answer: InvoiceAnswer | None, sent: Sent, reading: AnswerReading
) -> Verdict:
    if not exchange.body_complete:
        return _unknown("answer-cut", "Retail Pro's answer was cut off or too long.")
    if answer is None:
        return _unknown("answer-unreadable", "Retail Pro's answer is not JSON.")
    if answer.order_no not in (None, sent.order_no):
        return _unknown("wrong-order", "Retail Pro answered for another order.")
    if answer.made is False:
        return _refused(sent, f"Retail Pro refused the order: {answer.message or 'without a text'}")
    if answer.made is None:
        return _unknown("answer-unclear", "Retail Pro's answer says neither yes nor no.")
    if reading.order_no and answer.order_no is None:
        return _unknown(
            "no-order-number",
            f"Retail Pro's answer does not name the order at {reading.order_no}, where the Retail "
            "Pro block expects it.",
        )
    if reading.total and answer.total != sent.total:
        return _unknown(
            "wrong-total",
            f"Retail Pro's answer does not repeat the total of {sent.total} at {reading.total}.",
        )
    return Verdict("CONFIRMED", "invoiced", "Invoiced.", "Nothing to do.", answer.reference)


def _judge_refusal(answer: InvoiceAnswer | None, sent: Sent, reason: str) -> Verdict:
    if answer and answer.order_no not in (None, sent.order_no):
        return _unknown("wrong-order", "Retail Pro answered for another order.")
    if answer and answer.made:
        return _unknown("answer-unclear", "Retail Pro's answer says both yes and no.")
    return _refused(sent, reason)


def _refused(sent: Sent, reason: str) -> Verdict:
    if sent.doubtful:
        # A refusal now says nothing about an earlier request that may still have been booked.
        return _unknown("refused-after-doubt", f"{reason} An earlier attempt may have been booked.")
    return Verdict("REJECTED", "refused", reason, _MEND_ORDER)


def _not_applied(code: str, reason: str, exchange: Exchange) -> Verdict:
    return Verdict(
        "READY",
        code,
        reason,
        _MEND_SETTING if exchange.configuration else _WAIT,
        halt=exchange.configuration,
        retry_after=exchange.retry_after,
    )


def _unknown(code: str, reason: str, halt: bool = False) -> Verdict:
    return Verdict("UNKNOWN", code, reason, LOOK_UP, halt=halt)


def _setting(status: int) -> str:
    what = {
        401: "refused the credential",
        403: "refused the credential",
        404: "knows no such path",
        405: "takes no POST at this path",
        415: "takes no JSON at this path",
    }.get(status, "redirects to another address")
    return f"Retail Pro {what} (HTTP {status}); check the Retail Pro block."
