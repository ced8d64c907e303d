"""A person's decision about one or more orders, as the form and the command line take it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Engine

from tillbridge.clients.retail_pro_settings import RetailProSettings
from tillbridge.counting import counted
from tillbridge.errors import ConfigurationProblem
from tillbridge.invoicing.ledger import hands
from tillbridge.invoicing.ledger.events import OrderKey
from tillbridge.invoicing.ledger.hands import Decision, Endpoint, Resolution, Statement
from tillbridge.limits import require_said


def endpoint_of(settings: RetailProSettings) -> Endpoint:
    """Say what a decision has to know of the Retail Pro that the profile names."""
    return Endpoint(settings.base_url, timedelta(minutes=settings.quiet_minutes))


def resolve_orders(
    engine: Engine,
    product_store_id: str,
    orders: Sequence[str],
    decision: Decision,
    statement: Statement,
    invoices: Sequence[str],
    endpoint: Endpoint,
    *,
    dry_run: bool,
) -> list[Resolution]:
    """Decide about each order; `invoices` are their numbers in Retail Pro, in the same order.

    Raises:
        ConfigurationProblem: something that the decision needs is missing; nothing was done.
    """
    _require(orders, decision, statement, invoices)
    numbers: Sequence[str | None] = invoices or [None] * len(orders)
    return [
        hands.resolve(
            engine,
            OrderKey(product_store_id, order),
            decision,
            statement,
            number,
            endpoint,
            dry_run=dry_run,
        )
        for order, number in zip(orders, numbers, strict=True)
    ]


def _require(
    orders: Sequence[str], decision: Decision, statement: Statement, invoices: Sequence[str]
) -> None:
    require_said(statement.by, reason=statement.reason, evidence=statement.evidence)
    if not orders or len(set(orders)) != len(orders):
        raise ConfigurationProblem("give the order numbers, each once")
    if decision is Decision.INVOICED and len(invoices) != len(orders):
        raise ConfigurationProblem(
            f"{counted(len(orders), 'order is', 'orders are')} said to be invoiced: give as many invoice "
            "numbers, in the same order"
        )
    if decision is not Decision.INVOICED and invoices:
        raise ConfigurationProblem(f"invoice numbers are for the decision invoiced, not {decision}")


def in_words(resolutions: Sequence[Resolution], *, dry_run: bool) -> str:
    """Say in one line what was done."""
    refused = sum(1 for one in resolutions if one.refusal)
    done = len(resolutions) - refused
    what = "would be resolved (dry run)" if dry_run else "resolved"
    return f"{done} {what}, {refused} refused."
