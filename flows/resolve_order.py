"""A person decides what becomes of orders that the platform cannot or must not decide about."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from blocks.brand import load_brand
from blocks.loading import BlockName
from flows.parameters import Given, Name, Reason, by, dry_run, profile, reason, threads
from tasks.artifacts import show_resolutions
from tasks.ending import ended
from tillbridge.invoicing.ledger.hands import Decision, Statement
from tillbridge.invoicing.resolving import endpoint_of, in_words, resolve_orders


@flow(name="resolve-order", task_runner=threads(1))
def resolve_order(
    orders: Annotated[list[Given], Field(min_length=1)] = Field(
        description="Order numbers, as they stand in the failure report."
    ),
    decision: Decision = Field(
        description="invoiced: it is in Retail Pro. send-again: it is not, send what was sent. "
        "mend: it is not, wait for a mended order. cancel: it is not, and never shall be. "
        "change-server: Retail Pro has another address now, the one that the profile names."
    ),
    evidence: Reason = Field(
        description="What you saw in Retail Pro that shows it. No customer data."
    ),
    reason: Reason = reason(),
    by: Name = by(),
    invoices: list[Given] = Field(
        default=[],
        description="For invoiced: the invoice numbers in Retail Pro, in the order of the orders.",
    ),
    worker_is_gone: bool = Field(
        default=False,
        description="If a worker vanished while it sent the order (worker-lost): it is certainly stopped.",
    ),
    other_is_void: bool = Field(
        default=False,
        title="Other invoice is void",
        description="If the order is invoiced under another number (order-has-two-numbers): that invoice "
        "was voided in Retail Pro.",
    ),
    dry_run: bool = dry_run("Only show what would be done; nothing is changed."),
    profile: BlockName = profile(),
) -> State[Any]:
    """Carry out a decision about orders, with the name, reason and evidence in their event log.

    A decision that an order's state does not allow is refused, and fails the run.
    """
    brand = load_brand(profile)
    resolutions = resolve_orders(
        brand.get_engine(),
        brand.profile.product_store_id,
        orders,
        decision,
        Statement(by, reason, evidence, worker_is_gone, other_is_void),
        invoices,
        endpoint_of(brand.load_retail_pro()),
        dry_run=dry_run,
    )
    show_resolutions(resolutions)
    return ended(
        in_words(resolutions, dry_run=dry_run), failed=any(one.refusal for one in resolutions)
    )
