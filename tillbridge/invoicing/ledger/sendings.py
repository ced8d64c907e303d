"""Which ledger this is, and how many sendings of each store it knows of.

Both are held against the marker on SFTP (`tillbridge.invoicing.marker`), so each attempt is counted in
the transaction that arms it: a copy of the database counts exactly the attempts that it knows.
"""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import Connection, Engine, bindparam, select, update

from tillbridge.database.engine import transaction
from tillbridge.database.insertion import insert_new
from tillbridge.database.ledger_tables import ledger, ledger_sending
from tillbridge.invoicing.marker import Mark

_COUNT = (
    update(ledger_sending)
    .where(ledger_sending.c.product_store_id == bindparam("of_store"))
    .values(sendings=ledger_sending.c.sendings + 1)
    .returning(ledger_sending.c.sendings)
)


def standing(engine: Engine, product_store_id: str) -> Mark:
    """Return the ledger's id, and how many sendings of the store's orders it knows of."""
    with transaction(engine) as connection:
        known = connection.scalar(
            select(ledger_sending.c.sendings).where(
                ledger_sending.c.product_store_id == product_store_id
            )
        )
        return Mark(connection.scalars(select(ledger.c.ledger_id)).one(), known or 0)


def count_one(connection: Connection, product_store_id: str) -> int:
    """Count a sending that is about to be made; returns its number within the store.

    Of two transactions that count, one waits for the other's commit, so that the numbers are in the
    order in which they become known.
    """
    of_store = {"of_store": product_store_id}
    number: int | None = connection.scalar(_COUNT, of_store)
    if number is None:
        first = {"product_store_id": product_store_id, "sendings": 0}
        insert_new(connection, ledger_sending, first)
        number = connection.execute(_COUNT, of_store).scalar_one()
    return number


def begin_anew(connection: Connection) -> None:
    """Give the ledger a new id: what was sent under the old one is not all known to it."""
    connection.execute(update(ledger).values(ledger_id=str(uuid4())))
