"""A person decides what becomes of orders that the platform cannot or must not decide about."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from blocks import OrderDatabase, ProductStoreProfile, RetailPro
from blocks.loading import load
from flows.parameters import block_name, by, dry_run, reason, threads
from tasks.artifacts import show_resolutions
from tillbridge.invoicing.ledger.hands import Decision, Statement
from tillbridge.invoicing.resolving import in_words, resolve_orders


@flow(name="resolve-order", task_runner=threads(1))
def resolve_order(
    orders: list[str] = Field(
        min_length=1, description="Order numbers, as they stand in the failure report."
    ),
    decision: Decision = Field(
        description="invoiced: it is in Retail Pro. send-again: it is not, send what was sent. "
        "mend: it is not, wait for a mended order. cancel: it is not, and never shall be."
    ),
    evidence: str = Field(
        min_length=5, description="What you saw in Retail Pro that shows it. No customer data."
    ),
    reason: str = reason(),
    by: str = by(),
    invoices: list[str] = Field(
        default=[],
        description="For invoiced: the invoice numbers in Retail Pro, in the order of the orders.",
    ),
    worker_is_gone: bool = Field(
        default=False,
        title="Worker is gone",
        description="If a worker vanished while it sent the order (worker-lost): it is certainly stopped.",
    ),
    dry_run: bool = dry_run("Only show what would be done; nothing is changed."),
    profile: str = block_name("Product Store Profile"),
    database: str = block_name("Order Database"),
    retail_pro: str = block_name("Retail Pro"),
) -> State[Any]:
    """Carry out a decision about orders, with the name, reason and evidence in their event log.

    A decision that an order's state does not allow is refused, and fails the run.
    """
    rules = load(ProductStoreProfile, profile)
    resolutions = resolve_orders(
        load(OrderDatabase, database).get_engine(),
        rules.product_store_id,
        orders,
        decision,
        Statement(by, reason, evidence, worker_is_gone),
        invoices,
        timedelta(minutes=load(RetailPro, retail_pro).quiet_minutes),
        dry_run=dry_run,
    )
    show_resolutions(resolutions)
    state = Failed if any(one.refusal for one in resolutions) else Completed
    return state(message=in_words(resolutions, dry_run=dry_run))
