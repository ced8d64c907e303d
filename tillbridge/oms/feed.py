"""SQL of the completed-orders feeds: which orders enter one, what is in it, whether it has been sent.

An order enters one feed, ever. The feed is committed before its file is written, so a crash in between
leaves it among `unsent`, and the file can be made again, byte for byte.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    and_,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from tillbridge.database import oms_tables as tables
from tillbridge.database.engine import transaction
from tillbridge.database.insertion import insert_new
from tillbridge.limits import Whole, require_moments
from tillbridge.oms.channels import POS_SALES_CHANNEL, channel_id
from tillbridge.oms.feed_document import document
from tillbridge.oms.order import ITEM_COMPLETED, ORDER_COMPLETED, POS_COMPLETED
from tillbridge.oms.reading import read_facilities, read_orders, read_products

FOLDER = "hotwax/completed-orders"
"""Where feeds are handed over when nothing else is said."""

ORDERS_PER_FEED = Whole(1, 100_000)

_ORDERS_AT_A_TIME = 500
_PRODUCED = "produced"
_SENT = "sent"


@dataclass(frozen=True, slots=True)
class FeedSelection:
    """Which completed orders to export; an empty filter lets everything through.

    Channels are named by HotWax's enumId or enumCode. An order passes `facility_ids` when one of its
    items left from one of them. The window is from `completed_from` until before `completed_thru`.
    """

    product_store_ids: Collection[str] = ()
    sales_channels: Collection[str] = ()
    excluded_sales_channels: Collection[str] = ()
    facility_ids: Collection[str] = ()
    completed_from: datetime | None = None
    completed_thru: datetime | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """One file of completed orders."""

    feed_id: str
    file_name: str
    order_count: int
    created_at: datetime


def produce(
    engine: Engine, selection: FeedSelection, page_size: int, now: datetime, folder: str = FOLDER
) -> list[Feed]:
    """Put every completed order that was never exported into feeds of at most `page_size` orders.

    `folder` is where their files will be handed over.

    All or nothing, in one transaction; of two at the same time each order goes to one. What was carried
    out of a store is left out. Nothing new, no feed.

    Raises:
        ConfigurationProblem: not so many orders in a feed, or a time that no order can have.
    """
    ORDERS_PER_FEED.require("orders_per_feed", page_size)
    require_moments(
        completed_from=selection.completed_from, completed_thru=selection.completed_thru
    )
    feeds: list[Feed] = []
    series = secrets.token_hex(4)
    with transaction(engine) as connection:
        query = _new_orders(selection).limit(page_size)
        page = connection.execute(query).all()
        while page:
            feed_id = f"{series}-{len(feeds) + 1:04}"
            if feed := _take(connection, feed_id, [row.order_id for row in page], now, folder):
                feeds.append(feed)
            header = tables.order_header.c
            after = tuple_(header.completed_at, header.order_id) > tuple(page[-1])
            page = connection.execute(query.where(after)).all()
    return feeds


def unsent(engine: Engine, folder: str = FOLDER) -> list[Feed]:
    """Give the feeds for `folder` whose file was not reported as sent, oldest first; each may be sent again."""
    feed = tables.feed
    with transaction(engine) as connection:
        rows = connection.execute(
            select(feed)
            .where(feed.c.status == _PRODUCED, feed.c.folder == folder)
            .order_by(feed.c.created_at, feed.c.feed_id)
        )
        return [Feed(row.feed_id, row.file_name, row.order_count, row.created_at) for row in rows]


def documents(engine: Engine, feed_id: str) -> Iterator[dict[str, Any]]:
    """Yield the orders of a feed as the JSON members HotWax writes, in order of completion.

    Orders are read in pages, each in a short transaction of its own.
    """
    history, header = tables.order_fulfillment_history, tables.order_header
    with transaction(engine) as connection:
        facilities = read_facilities(connection)
        order_ids = connection.scalars(
            select(header.c.order_id)
            .join(history, history.c.order_id == header.c.order_id)
            .where(history.c.feed_id == feed_id)
            .order_by(header.c.completed_at, header.c.order_id)
        ).all()
    for start in range(0, len(order_ids), _ORDERS_AT_A_TIME):
        with transaction(engine) as connection:
            orders = read_orders(connection, order_ids[start : start + _ORDERS_AT_A_TIME])
            products = read_products(
                connection, {item.product_id for order in orders for item in order.items}
            )
        for order in orders:
            yield document(order, facilities, products)


def mark_sent(engine: Engine, feed_id: str, now: datetime) -> None:
    """Note that the file of a feed is where it belongs; the first such note stays."""
    feed = tables.feed
    with transaction(engine) as connection:
        connection.execute(
            update(feed)
            .where(feed.c.feed_id == feed_id, feed.c.status == _PRODUCED)
            .values(status=_SENT, sent_at=now)
        )


def _take(
    connection: Connection, feed_id: str, order_ids: list[str], now: datetime, folder: str
) -> Feed | None:
    """Write the feed and the history of those of its orders that nobody else took meanwhile."""
    feed, history = tables.feed, tables.order_fulfillment_history
    name = f"CompletedOrders-{now.astimezone(UTC):%Y-%m-%d-%H-%M-%S}-{feed_id}.json"
    connection.execute(
        insert(feed).values(
            feed_id=feed_id,
            folder=folder,
            file_name=name,
            status=_PRODUCED,
            order_count=0,
            created_at=now,
        )
    )
    taken = insert_new(
        connection,
        history,
        [{"order_id": order_id, "feed_id": feed_id} for order_id in order_ids],
    )
    this = feed.c.feed_id == feed_id
    if not taken:
        connection.execute(feed.delete().where(this))
        return None
    connection.execute(update(feed).where(this).values(order_count=taken))
    return Feed(feed_id, name, taken, now)


def _new_orders(selection: FeedSelection) -> Select[tuple[datetime, str]]:
    header, history = tables.order_header, tables.order_fulfillment_history
    query = (
        select(header.c.completed_at, header.c.order_id)
        .where(
            header.c.status_id == ORDER_COMPLETED,
            ~select(history).where(history.c.order_id == header.c.order_id).exists(),
            _not_sold_at_the_till(selection),
        )
        .order_by(header.c.completed_at, header.c.order_id)
    )
    if selection.product_store_ids:
        query = query.where(header.c.product_store_id.in_(selection.product_store_ids))
    if selection.sales_channels:
        names = [channel_id(name) for name in selection.sales_channels]
        query = query.where(header.c.sales_channel_enum_id.in_(names))
    if selection.excluded_sales_channels:
        names = [channel_id(name) for name in selection.excluded_sales_channels]
        query = query.where(header.c.sales_channel_enum_id.not_in(names))
    if selection.facility_ids:
        query = query.where(_left_from(selection.facility_ids))
    if selection.completed_from:
        query = query.where(header.c.completed_at >= selection.completed_from)
    if selection.completed_thru:
        query = query.where(header.c.completed_at < selection.completed_thru)
    return query


def _not_sold_at_the_till(selection: FeedSelection) -> ColumnElement[bool]:
    """Leave out what the till has invoiced: every order with something that was carried out of a store.

    Of a mixed cart the rest was shipped, and the till has invoiced that as well. It enters only a feed
    that asks for the tills' channel by name, for which see `document`.
    """
    group, item = tables.order_item_ship_group, tables.order_item
    carried_out = (
        select(group)
        .where(
            group.c.order_id == tables.order_header.c.order_id,
            group.c.shipment_method_type_id == POS_COMPLETED,
        )
        .exists()
    )
    if POS_SALES_CHANNEL not in map(channel_id, selection.sales_channels):
        return ~carried_out
    shipped = (
        select(item.c.order_id)
        .join(
            group,
            and_(
                group.c.order_id == item.c.order_id,
                group.c.ship_group_seq_id == item.c.ship_group_seq_id,
            ),
        )
        .where(
            item.c.order_id == tables.order_header.c.order_id,
            item.c.status_id == ITEM_COMPLETED,
            group.c.shipment_method_type_id != POS_COMPLETED,
        )
        .exists()
    )
    return or_(~carried_out, shipped)


def _left_from(facility_ids: Collection[str]) -> Any:
    item, shipment = tables.order_item, tables.shipment
    return (
        select(item.c.order_id)
        .join(shipment, shipment.c.shipment_id == item.c.shipment_id)
        .where(
            item.c.order_id == tables.order_header.c.order_id,
            item.c.status_id == ITEM_COMPLETED,
            shipment.c.origin_facility_id.in_(facility_ids),
        )
        .exists()
    )
