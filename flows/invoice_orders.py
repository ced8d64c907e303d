"""Orders to invoices: one mapped task with retries per order, and a ledger that never sends twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

from prefect import flow, unmapped
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture, wait
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from sqlalchemy import Engine

from blocks.brand import load_brand
from blocks.loading import BlockName
from flows.parameters import profile, threads
from tasks.artifacts import Progress, show_files, show_invoicing
from tasks.ending import ended
from tasks.files import take_files
from tasks.invoices import invoice_order
from tasks.waiting_runs import cancel_waiting_runs
from tillbridge.clients.retail_pro_settings import MOST_PARALLEL_CALLS
from tillbridge.clients.sftp import SftpClient
from tillbridge.counting import counted
from tillbridge.database.group_commit import GroupCommit
from tillbridge.errors import TillbridgeError, Unavailable
from tillbridge.handover.inbox import Inbox, stuck
from tillbridge.invoicing.clearing import clear_doubts
from tillbridge.invoicing.intake import Intake
from tillbridge.invoicing.ledger import attempts, circuit, orders, restores, servers
from tillbridge.invoicing.ledger.events import OrderKey
from tillbridge.invoicing.recovery import recover_lost
from tillbridge.invoicing.restore_guard import RestoreGuard
from tillbridge.invoicing.reviewing import review_held
from tillbridge.invoicing.sending import Outcome, Result, Sender, policy_of
from tillbridge.invoicing.storing import store_responses
from tillbridge.invoicing.summary import RunSummary
from tillbridge.profile import Profile

_ORDERS_AT_ONCE = 250
_CANARIES = 2

_NOT_CLEARED = "its doubt could not be cleared; see the failure report"
_VANISHED = "the worker vanished while the order was being sent"


@flow(
    name="invoice-orders",
    task_runner=threads(MOST_PARALLEL_CALLS),
    on_running=[cancel_waiting_runs],
)
def invoice_orders(
    profile: BlockName = profile(),
) -> State[Any]:
    """Take the transformed files, and invoice every order that is ready in Retail Pro, once.

    An order whose outcome cannot be known is in doubt; what becomes of it is a matter of the endpoint's
    capability, and at L0 it is parked and reported. Rejected and parked orders leave the run Completed;
    it is Failed only when it could not do its job.
    """
    brand = load_brand(profile)
    rules, engine = brand.profile, brand.get_engine()
    endpoint = brand.load_retail_pro()
    store, run = rules.product_store_id, str(flow_run.id)
    server, policy = endpoint.base_url, policy_of(endpoint)
    with (
        brand.get_sftp_client() as sftp,
        endpoint.get_client() as client,
    ):
        guard = RestoreGuard(engine, sftp, rules)
        for path in guard.not_ours:
            get_run_logger().warning("%s is a file that tillbridge did not write.", path)
        inbox = Inbox(engine, sftp, rules, rules.order_to_invoice_folder, run)
        taken, stuck_files = _take_files(inbox, Intake(engine, sftp, rules, run))
        cleared = clear_doubts(engine, client.find_invoices, store, server, policy, run)
        review_held(engine, rules, run)
        group = GroupCommit(engine)
        with Sender(group, client.post_invoice, endpoint, run, guard.reach) as sender:
            ready = attempts.ready(engine, store, server, policy)
            outcomes, not_sent = _send_all(engine, ready, sender)
        patience = sender.terms.lease.total_seconds()
        lost = recover_lost(engine, store, run, policy, patience)
        not_stored = _store_responses(engine, sftp, rules)
    after_loss = Result.PARKED if policy.level == "L0" else Result.IN_DOUBT
    elsewhere = servers.why_some_wait(engine, store, server)
    restoring = restores.why_nothing_is_sent(engine)
    problems = (stuck_files, cleared.problem, restoring, elsewhere, not_sent, not_stored)
    summary = RunSummary(
        [
            *(Outcome(key.order_no, Result.PARKED, _NOT_CLEARED) for key in cleared.parked),
            *outcomes,
            *(Outcome(key.order_no, after_loss, _VANISHED) for key in lost),
        ],
        taken,
        cleared.counts["CONFIRMED"],
        orders.counts(engine, store),
        [text for text in problems if text],
    )
    show_invoicing(summary)
    return ended(f"{summary.message} {inbox.notices}", failed=bool(summary.problems))


def _take_files(inbox: Inbox, intake: Intake) -> tuple[Counter[str], str]:
    """Enter the orders of every waiting file; returns how many by `Acceptance`, and what is stuck.

    What cannot be taken now holds up no order that the ledger has already.
    """
    try:
        results = take_files(inbox, intake.take_in)
    except Unavailable as problem:
        return Counter(), f"Files could not be taken: {problem}"
    show_files("invoice-files", "Order to Invoice files of this run", results)
    return sum((Counter(result.counts) for result in results), Counter()), stuck(results)


def _send_all(engine: Engine, keys: list[OrderKey], sender: Sender) -> tuple[list[Outcome], str]:
    """Send the orders; where the circuit is open, first a few canaries. Says also what stopped it."""
    if not keys:
        return [], ""
    progress = Progress(f"Invoicing {counted(len(keys), 'order')}", len(keys))
    passage = circuit.enter(engine, sender.settings.base_url, sender.owner)
    if passage.kind == "none":
        return [], passage.reason
    outcomes: list[Outcome] = []
    if passage.kind == "canaries":
        outcomes = _send_canaries(engine, keys[:_CANARIES], sender)
    for start in range(len(outcomes), len(keys), _ORDERS_AT_ONCE):
        if sender.breaker.is_tripped:
            break
        window = keys[start : start + _ORDERS_AT_ONCE]
        futures = invoice_order.map([key.order_no for key in window], window, unmapped(sender.send))
        wait(list(futures))
        outcomes += (_outcome(key, future) for key, future in zip(window, futures, strict=True))
        progress.reached(len(outcomes))
    reason = sender.breaker.reason or circuit.why_open(engine, sender.settings.base_url)
    return outcomes, reason


def _send_canaries(engine: Engine, keys: list[OrderKey], sender: Sender) -> list[Outcome]:
    """Send a few orders one by one; when they were answered, the circuit closes."""
    sender.breaker.strict = True
    outcomes = []
    for key in keys:
        future = invoice_order.submit(key.order_no, key, sender.send)
        future.wait()
        outcomes.append(_outcome(key, future))
    sender.breaker.strict = False
    if not sender.breaker.is_tripped:
        leave = circuit.close if sender.breaker.has_proof else circuit.give_back
        leave(engine, sender.settings.base_url, sender.owner)
    return outcomes


def _outcome(key: OrderKey, future: PrefectFuture[Outcome]) -> Outcome:
    """Give the outcome of a task run; an order whose retries are used up waits for the next run.

    What no far end can cause is a fault of the program, and is raised.
    """
    result = future.result(raise_on_failure=False)
    if isinstance(result, TillbridgeError):
        return Outcome(key.order_no, Result.WAITING, str(result))
    return future.result()


def _store_responses(engine: Engine, sftp: SftpClient, rules: Profile) -> str:
    """Store the answers; what stands in the way is told, and left to the next run."""
    try:
        store_responses(engine, sftp, rules)
    except Unavailable as problem:
        return f"The answers are kept, but could not be stored on SFTP yet: {problem}"
    return ""
