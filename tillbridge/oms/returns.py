"""SQL that writes imported returns: what came back goes into stock, and belongs to its sale once known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Engine, and_, insert, select, update

from tillbridge.contracts.import_record import part_marks
from tillbridge.contracts.return_import import PARTS, ReturnImport, read_return
from tillbridge.database import import_tables, oms_tables
from tillbridge.database.engine import database_now, transaction
from tillbridge.errors import Finding, RecordRejected
from tillbridge.handover import edge, failures
from tillbridge.handover.failures import NewFailure
from tillbridge.handover.rejects import About
from tillbridge.oms import data_manager_books as books
from tillbridge.oms.data_manager import Record
from tillbridge.oms.imported_orders import about
from tillbridge.oms.order import DIGITAL_GOOD, ITEM_CANCELLED, ITEM_COMPLETED, ITEM_REJECTED
from tillbridge.oms.reading_references import read_references
from tillbridge.oms.return_import import Return, products_of, to_return
from tillbridge.oms.sale import ComingBack, Sale, SoldItem
from tillbridge.oms.stock import Place, lock_stock, set_stock

_RETURNS_AT_A_TIME = 200
_header, _item = import_tables.return_header, import_tables.return_item


class ReturnKind:
    """Returns, for the Data Manager."""

    config_id = books.RETURNS

    def read(self, value: Any, index: int) -> ReturnImport:
        """Read one return."""
        return read_return(value, index)

    def key(self, document: ReturnImport) -> str:
        """Give the return id."""
        return document.return_id

    def marks(self, document: ReturnImport) -> Mapping[str, str]:
        """Give a mark of each part of the return."""
        return part_marks(document, PARTS)

    def about(self, value: Any) -> About:
        """Say which return this is, as far as it can be read."""
        members = ("destinationExternalFacilityId", "destinationFacilityId")
        return about(value, members, "returnTotal")

    def create(
        self, connection: Connection, records: Sequence[Record[ReturnImport]]
    ) -> Mapping[int, RecordRejected]:
        """Write new returns, and put what came back into the stock of the store that took it."""
        names = {name for record in records for name in products_of(record.document)}
        references = read_references(connection, names)
        now = database_now(connection)
        problems: dict[int, RecordRejected] = {}
        read: list[tuple[int, Return]] = []
        for record in records:
            try:
                with edge.document(record.key):
                    read.append((record.place, to_return(record.document, references, now)))
            except RecordRejected as problem:
                problems[record.place] = problem
        sales = _sales(
            connection,
            {
                (one.product_store_id, one.order_external_id)
                for _, one in read
                if one.order_external_id is not None
            },
        )
        good: list[tuple[Return, Sale | None]] = []
        for place, made in read:
            sale = sales.get((made.product_store_id, made.order_external_id or ""))
            lines = [item.coming_back() for item in made.items]
            if sale and _names_itself(made.external_id, made.order_external_id, sale, lines):
                sale = None
            if sale and (found := _too_much(sale, lines)):
                problems[place] = RecordRejected(made.return_id, found)
                continue
            if sale:
                sale.note_returned(lines)
            good.append((made, sale))
        _write(connection, good)
        _put_back(connection, [made for made, _ in good], references.product_types)
        return problems

    def warnings(self, connection: Connection, arrival: str) -> Sequence[str]:
        """Name the returns whose sale is not known."""
        record = import_tables.data_manager_record
        rows = connection.execute(
            select(_header.c.return_id)
            .join(record, record.c.record_key == _header.c.return_id)
            .where(
                record.c.config_id == self.config_id,
                record.c.arrival == arrival,
                _header.c.order_id.is_(None),
            )
            .order_by(record.c.place)
        )
        return [f"return {row.return_id}: its sale is not known" for row in rows]


def find_sales(engine: Engine, product_store_id: str) -> int:
    """Join returns that came before their sale to it, now that it is there; gives how many.

    A return of more than was sold stays without its sale, and people are told once.
    """
    order = oms_tables.order_header
    joined, after = 0, ""
    while True:
        with transaction(engine) as connection:
            books.lock(connection, books.RETURNS)
            rows = connection.execute(
                select(_header, order.c.order_id.label("sale_id"))
                .join(
                    order,
                    and_(
                        order.c.product_store_id == _header.c.product_store_id,
                        order.c.external_id == _header.c.order_external_id,
                    ),
                )
                .where(
                    _header.c.order_id.is_(None),
                    _header.c.product_store_id == product_store_id,
                    _header.c.return_id > after,
                )
                .order_by(_header.c.return_id)
                .limit(_RETURNS_AT_A_TIME)
            ).all()
            if not rows:
                return joined
            sales = _sales(
                connection, {(row.product_store_id, row.order_external_id) for row in rows}
            )
            lines = _lines(connection, [row.return_id for row in rows])
            for row in rows:
                sale = sales[row.product_store_id, row.order_external_id]
                joined += _join(connection, row, sale, lines[row.return_id])
        after = rows[-1].return_id


def _join(connection: Connection, row: Any, sale: Sale, lines: Mapping[str, ComingBack]) -> bool:
    if _names_itself(row.external_id, row.order_external_id, sale, lines.values()):
        return False
    if found := _too_much(sale, list(lines.values())):
        failures.add(connection, _not_joined(row, found))
        return False
    sale.note_returned(lines.values())
    this = _header.c.return_id == row.return_id
    connection.execute(update(_header).where(this).values(order_id=sale.order_id))
    for seq_id, line in lines.items():
        connection.execute(
            update(_item)
            .where(_item.c.return_id == row.return_id, _item.c.return_item_seq_id == seq_id)
            .values(order_item_seq_id=sale.line_of(line))
        )
    return True


def _not_joined(row: Any, found: Sequence[Finding]) -> NewFailure:
    return NewFailure(
        kind="conflict",
        journey="tills",
        product_store_id=row.product_store_id,
        order_no=row.order_name or "",
        order_id=row.order_external_id,
        store=None,
        amount=row.return_total,
        currency=row.currency_uom,
        reason_code="quantity",
        reason=f"Return {row.return_id} does not fit its sale: {found[0].expected}.",
        next_step="It came before its sale, so its stock was put back. Compare the two at the till, and "
        "correct the stock if it came back only once.",
        source_file="",
        occasion=row.return_id,
    )


def _names_itself(
    external_id: str | None,
    order_external_id: str | None,
    sale: Sale,
    lines: Iterable[ComingBack],
) -> bool:
    """Say whether a return names its own transaction for want of the sale.

    A till that does not know where exchanged goods came from has only the new sale to name, in which they
    do not occur.
    """
    return external_id == order_external_id and not sale.has(lines)


def _too_much(sale: Sale, lines: Sequence[ComingBack]) -> tuple[Finding, ...]:
    found = (
        sale.refuse(f"/items/{index}", line, lines[:index]) for index, line in enumerate(lines)
    )
    return tuple(one for one in found if one)


def _sales(
    connection: Connection, names: Collection[tuple[str, str]]
) -> dict[tuple[str, str], Sale]:
    """Read the sales that are named by product store and external id, and what came back of them."""
    order, item = oms_tables.order_header, oms_tables.order_item
    order_ids = {
        row.order_id: (row.product_store_id, row.external_id)
        for row in connection.execute(
            select(order.c.order_id, order.c.product_store_id, order.c.external_id).where(
                order.c.product_store_id.in_({store for store, _ in names}),
                order.c.external_id.in_({external_id for _, external_id in names}),
            )
        )
    }
    sold: dict[str, list[SoldItem]] = defaultdict(list)
    for row in connection.execute(
        select(item)
        .where(
            item.c.order_id.in_(order_ids), item.c.status_id.not_in([ITEM_CANCELLED, ITEM_REJECTED])
        )
        .order_by(item.c.order_id, item.c.order_item_seq_id)
    ):
        left = row.quantity - (row.cancel_quantity or Decimal(0))
        sold[row.order_id].append(
            SoldItem(
                row.order_item_seq_id,
                row.external_id,
                row.product_id,
                left,
                has_left=row.status_id == ITEM_COMPLETED,
            )
        )
    sales = {order_id: Sale(order_id, tuple(sold[order_id])) for order_id in order_ids}
    for row in connection.execute(
        select(_header.c.order_id, _item)
        .join(_item, _item.c.return_id == _header.c.return_id)
        .where(_header.c.order_id.in_(order_ids))
    ):
        sales[row.order_id].note_returned([_coming_back(row)])
    return {name: sales[order_id] for order_id, name in order_ids.items()}


def _lines(
    connection: Connection, return_ids: Sequence[str]
) -> Mapping[str, Mapping[str, ComingBack]]:
    lines: dict[str, dict[str, ComingBack]] = defaultdict(dict)
    for row in connection.execute(
        select(_item)
        .where(_item.c.return_id.in_(return_ids))
        .order_by(_item.c.return_id, _item.c.return_item_seq_id)
    ):
        lines[row.return_id][row.return_item_seq_id] = _coming_back(row)
    return lines


def _coming_back(row: Any) -> ComingBack:
    return ComingBack(row.product_id, row.order_item_external_id, row.return_quantity)


def _put_back(
    connection: Connection, returns: Sequence[Return], product_types: Mapping[str, str]
) -> None:
    quantities: dict[Place, Decimal] = defaultdict(Decimal)
    for made in returns:
        for item in made.items:
            if product_types[item.product_id] != DIGITAL_GOOD:
                quantities[made.destination_facility_id, item.product_id] += item.quantity
    on_hand = lock_stock(connection, quantities.keys())
    set_stock(
        connection,
        {place: on_hand.get(place, Decimal(0)) + more for place, more in quantities.items()},
    )


def _write(connection: Connection, returns: Sequence[tuple[Return, Sale | None]]) -> None:
    for table, rows in (
        (_header, [_header_row(made, sale) for made, sale in returns]),
        (_item, [row for made, sale in returns for row in _item_rows(made, sale)]),
        (
            import_tables.return_adjustment,
            [row for made, _ in returns for row in _adjustment_rows(made)],
        ),
        (
            import_tables.return_payment_preference,
            [row for made, _ in returns for row in _payment_rows(made)],
        ),
    ):
        if rows:
            connection.execute(insert(table), rows)


def _header_row(made: Return, sale: Sale | None) -> dict[str, Any]:
    return {
        "return_id": made.return_id,
        "external_id": made.external_id,
        "product_store_id": made.product_store_id,
        "order_id": sale.order_id if sale else None,
        "order_external_id": made.order_external_id,
        "order_name": made.order_name,
        "return_date": made.return_at,
        "entry_date": made.entry_at,
        "status_id": made.status_id,
        "return_channel_enum_id": made.channel,
        "currency_uom": made.currency,
        "return_total": made.total,
        "destination_facility_id": made.destination_facility_id,
        "customer_party_id": made.customer_party_id,
        "customer_first_name": made.customer_first_name,
        "customer_last_name": made.customer_last_name,
        "customer_email": made.customer_email,
        "customer_phone": made.customer_phone,
    }


def _item_rows(made: Return, sale: Sale | None) -> Iterator[dict[str, Any]]:
    for item in made.items:
        yield {
            "return_id": made.return_id,
            "return_item_seq_id": item.return_item_seq_id,
            "order_item_seq_id": sale.line_of(item.coming_back()) if sale else None,
            "order_item_external_id": item.order_item_external_id,
            "product_id": item.product_id,
            "return_quantity": item.quantity,
            "return_price": item.price,
            "return_reason_id": item.reason_id,
            "description": item.description,
        }


def _adjustment_rows(made: Return) -> Iterator[dict[str, Any]]:
    for seq_id, adjustments in (
        (oms_tables.NOT_AN_ITEM, made.adjustments),
        *((item.return_item_seq_id, item.adjustments) for item in made.items),
    ):
        for adjustment in adjustments:
            yield {
                "return_id": made.return_id,
                "return_item_seq_id": seq_id,
                "return_adjustment_type_id": adjustment.type_id,
                "amount": adjustment.amount,
            }


def _payment_rows(made: Return) -> Iterator[dict[str, Any]]:
    for number, payment in enumerate(made.payments, 1):
        yield {
            "return_id": made.return_id,
            "payment_seq_id": f"{number:05}",
            "payment_method_type_id": payment.method_type_id,
            "status_id": payment.status_id,
            "max_amount": payment.amount,
        }
