"""The invoice ledger on both databases: never two sendings, nothing lost, everything reported once."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, update

from tests.ledger_steps import (
    KEY,
    LONG,
    OVER,
    PARK,
    STORE,
    accept,
    arm,
    armed,
    events,
    ready,
    recover,
    request,
    rows,
    settle,
    state,
)
from tillbridge.database.engine import connect, database_now, transaction
from tillbridge.database.ledger_tables import (
    invoice_attempt,
    invoice_failure,
    invoice_order,
)
from tillbridge.handover import failures, files
from tillbridge.handover.failures import NewFailure
from tillbridge.invoicing.ledger import attempts, orders, origins, responses
from tillbridge.invoicing.ledger.attempts import Attempt
from tillbridge.invoicing.ledger.events import OrderKey
from tillbridge.invoicing.ledger.look_alikes import LookAlikes
from tillbridge.invoicing.ledger.orders import Acceptance
from tillbridge.invoicing.outcome import State as Verdicts
from tillbridge.invoicing.recovery import recover_lost
from tillbridge.reporting import reports

# --- accepting


def test_an_order_is_accepted_once(engine: Engine) -> None:
    """The same content again is known, and leaves no second trace."""
    assert accept(engine, request()) == Acceptance.NEW
    assert accept(engine, request(), "b.json") == Acceptance.KNOWN
    assert ready(engine) == [KEY]
    assert events(engine) == [(None, "READY")]


def test_an_invoiced_order_is_known_as_invoiced(engine: Engine) -> None:
    """A feed that comes again is counted, not sent."""
    settle(engine, armed(engine), "CONFIRMED", erp_ref="F-1")
    assert accept(engine, request()) == Acceptance.INVOICED
    assert ready(engine) == []


def test_identity_is_exact(engine: Engine) -> None:
    """Case, leading zeros and the product store tell orders apart, once they may look alike."""
    for one in (
        request("1a"),
        request("1A"),
        request("01A"),
        request("1a", product_store_id="OTHER", order_id="M-OTHER"),
    ):
        assert accept(engine, one, look_alike=LookAlikes(numbers_go=True)) == Acceptance.NEW
    assert len(ready(engine)) == 3


@pytest.mark.parametrize("after", ["accepted", "rejected", "not sent"])
def test_changed_content_replaces_what_was_provably_not_booked(engine: Engine, after: str) -> None:
    """The new bytes are the ones that are sent, and the order is ready again."""
    accept(engine, request())
    if after != "accepted":
        settle(engine, armed(engine), "REJECTED" if after == "rejected" else "READY")
    assert accept(engine, request(content="v2", total=Decimal(80))) == Acceptance.REVISED
    attempt = arm(engine, KEY, "w1", LONG)
    assert attempt is not None
    assert b"v2" in attempt.body
    assert attempt.total == 80


@pytest.mark.parametrize("after", ["INFLIGHT", "CONFIRMED", "UNKNOWN"])
def test_changed_content_after_sending_is_a_conflict(engine: Engine, after: str) -> None:
    """What was sent stays as it was; the conflict is reported once and blocks the order."""
    attempt = armed(engine)
    if after != "INFLIGHT":
        settle(engine, attempt, after)  # type: ignore[arg-type]
    for _ in range(2):
        assert accept(engine, request(content="v2"), "b.json") == Acceptance.CONFLICT
    [row] = rows(engine, select(invoice_order.c.body, invoice_order.c.conflict_sha256))
    assert b"v1" in row.body
    assert row.conflict_sha256
    found = rows(engine, select(invoice_failure).where(invoice_failure.c.kind == "conflict"))
    assert [one.source_file for one in found] == ["b.json"]
    if after == "INFLIGHT":
        assert settle(engine, attempt, "READY") == "READY"
        assert ready(engine) == []
        assert arm(engine, KEY, "w1", LONG) is None


def test_another_order_under_the_same_number_blocks_both(engine: Engine) -> None:
    """Two orders with one number are for a person to decide, even before anything was sent."""
    accept(engine, request())
    assert accept(engine, request(order_id="M999", content="v2")) == Acceptance.CONFLICT
    assert ready(engine) == []
    assert arm(engine, KEY, "w1", LONG) is None
    [row] = rows(engine, select(invoice_failure.c.reason_code, invoice_failure.c.reason))
    assert row.reason_code == "number-used-twice"
    assert "M20417" in row.reason
    assert "M999" in row.reason


def test_a_request_mended_by_hand_keeps_what_is_known_of_its_order(engine: Engine) -> None:
    """It says neither order id nor currency; both stay, and the new bytes are sent."""
    settle(engine, armed(engine), "REJECTED")
    by_hand = request(order_id=None, currency="USD", content="v2")
    assert accept(engine, by_hand, "mended.json") == Acceptance.REVISED
    [row] = rows(engine, select(invoice_order))
    assert (row.order_id, row.currency, row.state) == ("M20417", "EUR", "READY")
    attempt = arm(engine, KEY, "w1", LONG)
    assert attempt is not None
    assert b"v2" in attempt.body


# --- arming


def test_only_a_ready_order_is_armed_and_the_row_is_there_before_the_byte(engine: Engine) -> None:
    """Arming commits state, attempt, epoch and digest; a second arming gets nothing."""
    assert arm(engine, KEY, "w1", LONG) is None
    attempt = armed(engine)
    assert arm(engine, KEY, "w2", LONG) is None
    other = connect(engine.url.render_as_string(hide_password=False))
    [row] = rows(other, select(invoice_order).where(invoice_order.c.order_no == "20417"))
    [written] = rows(other, select(invoice_attempt))
    other.dispose()
    assert (row.state, row.owner, row.epoch, row.attempts) == ("INFLIGHT", "w1", 1, 1)
    assert (written.number, written.epoch, written.body_sha256) == (1, 1, row.body_sha256)
    assert written.ended_at is None
    assert (attempt.number, attempt.epoch, attempt.doubtful) == (1, 1, False)


def test_an_older_file_does_not_replace_a_newer_one(engine: Engine) -> None:
    """Whichever is taken last, what the newer file says is sent."""
    assert accept(engine, request(), "OrderToInvoice-2026-11-22-02.json") == Acceptance.NEW

    older = request(content="older")
    assert accept(engine, older, "OrderToInvoice-2026-11-22-01.json") == Acceptance.KNOWN

    attempt = arm(engine, KEY, "w1", LONG)
    assert attempt is not None
    assert attempt.body == request().body


def test_a_failure_that_was_mended_before_the_report_asks_for_nothing(engine: Engine) -> None:
    """Or somebody would make by hand an invoice that is there."""
    settle(engine, armed(engine), "REJECTED")
    accept(engine, request(), "again.json")
    attempt = arm(engine, KEY, "w1", LONG)
    assert attempt is not None
    settle(engine, attempt, "CONFIRMED")

    [report] = reports.open_reports(engine, STORE)

    [one] = report.failures
    assert one.reason.startswith("It was invoiced since.")
    assert one.next_step == "Nothing to do."


def test_a_refused_order_that_is_handed_over_again_is_tried_again(engine: Engine) -> None:
    """Also unchanged, because what was wrong may have been mended in Retail Pro."""
    settle(engine, armed(engine), "REJECTED")

    assert accept(engine, request(), "again.json") == Acceptance.REVISED

    assert ready(engine) == [KEY]


@pytest.mark.parametrize("after", ["CONFIRMED", "REJECTED", "UNKNOWN"])
def test_a_settled_order_is_not_armed(engine: Engine, after: Verdicts) -> None:
    """Confirmed, rejected and parked orders are never sent by themselves."""
    settle(engine, armed(engine), after)
    assert arm(engine, KEY, "w1", LONG) is None
    assert ready(engine) == []


def test_an_order_waits_as_long_as_the_far_end_asked(engine: Engine) -> None:
    """Before its time it is neither listed nor armed; after it, it is."""
    assert settle(engine, armed(engine), "READY", retry_after=600.0) == "READY"
    assert ready(engine) == []
    assert arm(engine, KEY, "w1", LONG) is None
    with transaction(engine) as connection:
        connection.execute(update(invoice_order).values(not_before=database_now(connection)))
    assert ready(engine) == [KEY]
    assert arm(engine, KEY, "w1", LONG) is not None


def test_one_of_eight_threads_arms_an_order(engine: Engine) -> None:
    """However many workers race, each order has one attempt."""
    for number in range(5):
        accept(engine, request(str(number)))
    gate = threading.Barrier(8)
    won: list[Attempt] = []

    def race() -> None:
        for number in range(5):
            gate.wait(30)
            attempt = arm(engine, OrderKey(STORE, str(number)), "w", LONG)
            if attempt:
                won.append(attempt)

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(attempt.key.order_no for attempt in won) == list("01234")
    assert len(rows(engine, select(invoice_attempt))) == 5


def test_one_of_eight_threads_accepts_an_order(engine: Engine) -> None:
    """The same order in eight files at once is new once."""
    gate = threading.Barrier(8)
    said: list[Acceptance] = []

    def race(number: int) -> None:
        gate.wait(30)
        said.append(accept(engine, request(), f"{number}.json"))

    threads = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(said) == [Acceptance.KNOWN] * 7 + [Acceptance.NEW]


# --- settling


@pytest.mark.parametrize(
    ("proof", "after"),
    [
        ("CONFIRMED", "CONFIRMED"),
        ("REJECTED", "REJECTED"),
        ("READY", "READY"),
        ("UNKNOWN", "PARKED"),
    ],
)
def test_a_verdict_moves_the_order(engine: Engine, proof: Verdicts, after: str) -> None:
    """The answer, the reference and the reason are kept; UNKNOWN is parked at once."""
    assert settle(engine, armed(engine), proof, erp_ref="F-9") == after
    [row] = rows(engine, select(invoice_order))
    assert (row.state, row.reason, row.lease_until, row.owner) == (
        after,
        f"reason {proof}",
        None,
        None,
    )
    assert row.erp_ref == "F-9"
    assert row.doubts == (proof == "UNKNOWN")
    [attempt] = rows(engine, select(invoice_attempt))
    assert (attempt.outcome, attempt.http_status) == (f"code-{proof}", 200)
    assert attempt.answer == proof.encode()


@pytest.mark.parametrize("late", ["READY", "REJECTED", "UNKNOWN"])
def test_a_worker_that_lost_its_order_cannot_move_it(engine: Engine, late: Verdicts) -> None:
    """After its lease was given up, a failure moves nothing, but its answer is kept."""
    attempt = armed(engine, lease=OVER)
    assert recover(engine, STORE, "w2") == [KEY]
    assert settle(engine, attempt, late) == "PARKED"
    assert state(engine) == "PARKED"
    [row] = rows(engine, select(invoice_attempt))
    assert row.answer == late.encode()


def test_a_late_proof_confirms_a_parked_order(engine: Engine) -> None:
    """An invoice that certainly exists ends the doubt."""
    attempt = armed(engine, lease=OVER)
    recover(engine, STORE, "w2")
    assert settle(engine, attempt, "CONFIRMED", erp_ref="F-3") == "CONFIRMED"
    assert events(engine)[-1] == ("PARKED", "CONFIRMED")
    assert settle(engine, attempt, "REJECTED") == "CONFIRMED"
    assert state(engine) == "CONFIRMED"


def test_an_old_attempt_cannot_move_a_newer_one(engine: Engine) -> None:
    """The epoch fences: what is true of the first attempt says nothing about the second."""
    first = armed(engine)
    settle(engine, first, "READY")
    second = arm(engine, KEY, "w2", LONG)
    assert second is not None
    assert second.epoch > first.epoch
    assert settle(engine, first, "REJECTED") == "INFLIGHT"
    assert settle(engine, second, "CONFIRMED") == "CONFIRMED"


@pytest.mark.parametrize("late", ["REJECTED", "READY", "UNKNOWN"])
def test_a_worker_that_wakes_up_cannot_move_the_attempt_after_its_own(
    engine: Engine, late: Verdicts
) -> None:
    """Its order is in flight again, for another worker; only that one's answer counts, or a proof."""
    first = armed(engine, lease=OVER)
    recover(engine)
    with transaction(engine) as connection:
        connection.execute(update(invoice_order).values(state="READY", doubts=0))
    second = arm(engine, KEY, "w2")
    assert second is not None
    assert settle(engine, first, late) == "INFLIGHT"
    assert state(engine) == "INFLIGHT"
    assert settle(engine, second, "CONFIRMED") == "CONFIRMED"


@pytest.mark.parametrize("erp_ref", ["F-" + "9" * 400, "F\x001", "F\ud800"])
def test_a_strange_reference_does_not_lose_the_proof(engine: Engine, erp_ref: str) -> None:
    """Whatever stands where the invoice number should, the order is confirmed."""
    assert settle(engine, armed(engine), "CONFIRMED", erp_ref=erp_ref) == "CONFIRMED"
    [row] = rows(engine, select(invoice_order.c.erp_ref))
    assert row.erp_ref.startswith("F")
    assert len(row.erp_ref) <= 100


# --- recovering


def test_an_order_is_given_up_only_when_its_lease_ran_out(engine: Engine) -> None:
    """A living worker keeps its order; a vanished one's is parked and reported, never sent again."""
    armed(engine, "1", lease=LONG)
    armed(engine, "2", lease=OVER)
    assert recover(engine, STORE, "w2") == [OrderKey(STORE, "2")]
    assert recover(engine, STORE, "w2") == []
    assert (state(engine, "1"), state(engine, "2")) == ("INFLIGHT", "PARKED")
    [row] = rows(engine, select(invoice_failure))
    assert (row.order_no, row.kind, row.reason_code) == ("2", "parked", "worker-lost")
    assert 200 < attempts.seconds_in_flight(engine, STORE) <= 300


def test_a_lease_is_waited_for_as_long_as_patience_lasts(engine: Engine) -> None:
    """A short lease is waited out; a long one is left to its worker."""
    armed(engine, "1", lease=timedelta(seconds=0.2))
    armed(engine, "2", lease=LONG)
    started = time.monotonic()
    assert recover_lost(engine, STORE, "w2", PARK, patience=0.6) == [OrderKey(STORE, "1")]
    assert time.monotonic() - started >= 0.2
    assert state(engine, "2") == "INFLIGHT"


def test_recovery_of_nothing_waits_for_nothing(engine: Engine) -> None:
    """Without orders in flight there is nothing to wait for."""
    assert attempts.seconds_in_flight(engine, STORE) == 0
    assert recover_lost(engine, STORE, "w2", PARK, patience=3600) == []


def test_a_product_store_minds_its_own_orders(engine: Engine) -> None:
    """Listing, counting and recovering do not reach into another store."""
    accept(engine, request(product_store_id="OTHER"))
    assert arm(engine, OrderKey("OTHER", "20417"), "w1", OVER) is not None
    assert recover(engine, STORE, "w2") == []
    assert orders.counts(engine, STORE) == {}
    assert orders.counts(engine, "OTHER") == {"INFLIGHT": 1}
    with pytest.raises(LookupError, match="20417"):
        orders.state_of(engine, KEY)


# --- failures and reports


def new_failure(occasion: str, **changes: Any) -> NewFailure:
    """Give a failure as quarantine makes it."""
    made = NewFailure(
        kind="quarantined",
        product_store_id=STORE,
        order_no="CS#1",
        order_id="M1",
        store=None,
        amount=Decimal("1.5"),
        currency="EUR",
        reason_code="UPC",
        reason="expected a UPC",
        next_step="mend it",
        source_file="feed.json",
        occasion=occasion,
    )
    return replace(made, **changes)


def add(engine: Engine, *new: NewFailure) -> None:
    """Add failures."""
    with transaction(engine) as connection:
        for one in new:
            failures.add(connection, one)


def test_each_failure_is_in_exactly_one_report(engine: Engine) -> None:
    """A report that was not mailed comes back unchanged, what is new goes into another."""
    add(engine, new_failure("1"), new_failure("1"), new_failure("2"))
    [first] = reports.open_reports(engine, STORE)
    assert len(first.failures) == 2
    add(engine, new_failure("3"), new_failure("1"))
    again, second = reports.open_reports(engine, STORE)
    assert again == first
    assert len(second.failures) == 1
    reports.mark_mailed(engine, first.id)
    assert reports.open_reports(engine, STORE) == [second]
    reports.mark_mailed(engine, second.id)
    assert reports.open_reports(engine, STORE) == []
    assert first.message_id != second.message_id


def test_reports_opened_at_once_share_no_failure(engine: Engine) -> None:
    """Two runs that report at the same time tell each failure once."""
    add(engine, *(new_failure(str(number)) for number in range(40)))
    gate = threading.Barrier(4)

    def race() -> None:
        gate.wait(30)
        reports.open_reports(engine, STORE)

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    told = [one.id for report in reports.open_reports(engine, STORE) for one in report.failures]
    assert len(told) == len(set(told)) == 40
    assert all(report.failures for report in reports.open_reports(engine, STORE))


def test_a_whole_bad_feed_fits_into_one_report(engine: Engine) -> None:
    """More failures than a statement takes parameters are reported all the same."""
    add(engine, new_failure("0"))
    with transaction(engine) as connection:
        row = dict(connection.execute(select(invoice_failure)).one()._mapping)
        del row["id"]
        connection.execute(
            insert(invoice_failure), [row | {"fingerprint": f"{n:064}"} for n in range(70_000)]
        )
    [report] = reports.open_reports(engine, STORE)
    assert len(report.failures) == 70_001


def test_a_failure_of_a_hostile_order_is_kept(engine: Engine) -> None:
    """Names that no database column takes are made harmless, so that the order is still reported."""
    strange = "CS\x00\ud800" + "x" * 300
    add(engine, new_failure("1", order_no=strange, order_id=strange, reason=strange))
    [report] = reports.open_reports(engine, STORE)
    [kept] = report.failures
    assert kept.order_no.startswith("CS")
    assert len(kept.order_no) <= 60


@pytest.mark.parametrize("after", ["REJECTED", "UNKNOWN"])
def test_a_failed_order_has_its_failure_in_the_same_transaction(
    engine: Engine, after: Verdicts
) -> None:
    """Amount, store and file of the order are in the report's line."""
    settle(engine, armed(engine), after)
    [report] = reports.open_reports(engine, STORE)
    [one] = report.failures
    assert one.kind == {"REJECTED": "rejected", "UNKNOWN": "parked"}[after]
    assert (one.order_no, one.order_id, one.store) == ("20417", "M20417", "PTL01")
    assert (one.amount, one.currency, one.source_file) == (Decimal("78.3"), "EUR", "a.json")
    assert (one.reason, one.next_step) == (f"reason {after}", "next")


# --- responses and files


def test_responses_are_stored_in_batches_that_keep_their_name(engine: Engine) -> None:
    """An interrupted batch comes again with the same name and content; a stored one does not."""
    assert responses.next_batch(engine, STORE) is None
    settle(engine, armed(engine, "1"), "CONFIRMED")
    armed(engine, "2")
    first = responses.next_batch(engine, STORE)
    settle(engine, armed(engine, "3"), "REJECTED")
    again = responses.next_batch(engine, STORE)
    assert first is not None
    assert first == again
    [only] = first.responses
    assert (only.order_no, only.order_id, only.attempt) == ("1", "M1", 1)
    assert (only.http_status, only.answer) == (200, b"CONFIRMED")
    responses.mark_stored(engine, first)
    second = responses.next_batch(engine, STORE)
    assert second is not None
    assert [one.order_no for one in second.responses] == ["3"]
    assert second.file_name != first.file_name
    responses.mark_stored(engine, second)
    assert responses.next_batch(engine, STORE) is None


def test_a_batch_is_bounded(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many answers become several files, each answer in one of them."""
    monkeypatch.setattr(responses, "LARGEST_BATCH", 2)
    for number in range(5):
        settle(engine, armed(engine, str(number)), "CONFIRMED")
    sizes, told = [], []
    while batch := responses.next_batch(engine, STORE):
        sizes.append(len(batch.responses))
        told += [one.order_no for one in batch.responses]
        responses.mark_stored(engine, batch)
    assert sizes == [2, 2, 1]
    assert told == list("01234")


def test_a_file_is_known_by_folder_and_content(engine: Engine) -> None:
    """Marking twice is harmless; another folder is another matter."""
    assert not files.is_done(engine, "in", "ab")
    for name in ("a.json", "b.json"):
        with transaction(engine) as connection:
            files.mark_taken(connection, "in", [files.Taken("ab", name, 10, "done", 1)])
    assert files.is_done(engine, "in", "ab")
    assert not files.is_done(engine, "in", "cd")
    assert not files.is_done(engine, "out", "ab")


def test_the_origin_of_a_request_is_found_by_its_bytes(engine: Engine) -> None:
    """Order id and currency come back for our own bytes, and for no others."""
    long_id = "M" * 60
    with transaction(engine) as connection:
        for _ in range(2):
            origins.remember_origins(
                connection, [request(), request(order_id=long_id, content="v2")], "feed.json"
            )
        origin = origins.origin_of(connection, STORE, request().body)
        assert origin == origins.Origin("M20417", "EUR")
        assert origins.origin_of(connection, STORE, b"{}") is None
        # Its file was dropped into another product store's folder: it is the same order.
        assert origins.origin_of(connection, "OTHER", request().body) == origin
        origins.remember_origins(
            connection, [request(order_id="M-OTHER", product_store_id="OTHER")], "feed.json"
        )
        assert origins.origin_of(connection, STORE, request().body) == origin
