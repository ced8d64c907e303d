"""Orders whose worker vanished while they were in flight."""

from __future__ import annotations

import time

from sqlalchemy import Engine

from tillbridge.invoicing.doubt_policy import DoubtPolicy
from tillbridge.invoicing.ledger import attempts
from tillbridge.invoicing.ledger.events import OrderKey


def recover_lost(
    engine: Engine, product_store_id: str, who: str, policy: DoubtPolicy, patience: float
) -> list[OrderKey]:
    """Put in doubt the orders that a vanished worker left in flight, so that this run leaves none behind.

    An order is only given up when its lease is over, which is waited for, `patience` seconds at most;
    orders of a worker that is alive are left to it.
    """
    lost = attempts.recover(engine, product_store_id, who, policy)
    wait = attempts.seconds_in_flight(engine, product_store_id)
    if wait:
        time.sleep(min(wait + 0.5, patience))
        lost += attempts.recover(engine, product_store_id, who, policy)
    return lost
