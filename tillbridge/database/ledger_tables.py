"""The invoice ledger: files taken, orders and their attempts, events, failures and reports.

`invoice_event`, `file_event` and `invoice_failure` are only ever added to. States and edges of
`invoice_order` are those of `tillbridge.invoicing.states`.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from tillbridge.database.metadata import Moment, Units, metadata

taken_file = Table(
    "taken_file",
    metadata,
    Column("folder", String(200), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("name", String(255), nullable=False),
    Column("size", Integer, nullable=False),
    Column("result", String(20), nullable=False, doc="done, incomplete or quarantined"),
    Column("orders", Integer, nullable=False, default=0),
    Column("done_at", Moment, nullable=False),
)

file_taking = Table(
    "file_taking",
    metadata,
    Column("folder", String(200), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("times", Integer, nullable=False, doc="runs that took it and did not come to an end"),
    Column("taken_at", Moment, nullable=False),
)

transformed_order = Table(
    "transformed_order",
    metadata,
    Column("body_sha256", String(64), primary_key=True),
    Column("product_store_id", String(60), primary_key=True),
    Column("order_id", String(60), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("feed_name", String(255), nullable=False),
    Column("transformed_at", Moment, nullable=False),
)

invoice_order = Table(
    "invoice_order",
    metadata,
    Column("product_store_id", String(60), primary_key=True),
    Column("order_no", String(9), primary_key=True),
    Column("order_id", String(60), nullable=True, doc="HotWax orderId, where the feed was ours"),
    Column("revision", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False, doc="the exact bytes to post"),
    Column("body_sha256", String(64), nullable=False),
    Column("conflict_sha256", String(64), nullable=True, doc="other content seen after sending"),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("doubts", Integer, nullable=False, default=0, doc="attempts that may have been booked"),
    Column("keyed_since", Moment, nullable=True, doc="first of those; NULL if one had no key"),
    Column("sent_until", Moment, nullable=True, doc="it may have been sent up to then"),
    Column("quiet_until", Moment, nullable=True, doc="and may be worked on up to then"),
    Column(
        "server",
        String(255),
        nullable=True,
        doc="base URL of the first attempt that left; '': not kept",
    ),
    Column("unknown_since", Moment, nullable=True),
    Column("absent_since", Moment, nullable=True, doc="first look-up that found no invoice"),
    Column("epoch", Integer, nullable=False, default=0),
    Column("owner", String(60), nullable=True),
    Column("lease_until", Moment, nullable=True),
    Column("not_before", Moment, nullable=True, doc="neither sent nor looked up earlier"),
    Column("erp_ref", String(100), nullable=True),
    Column("total", Units, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("line_count", Integer, nullable=False),
    Column("invoicing_store", String(5), nullable=False),
    Column(
        "number_fold", String(9), nullable=False, server_default="", doc="of alike numbers alike"
    ),
    Column("likeness_sha256", String(64), nullable=True, doc="who bought what for how much"),
    Column("reason_code", String(40), nullable=True),
    Column("reason", Text, nullable=True),
    Column("source_file", String(255), nullable=False),
    Column("accepted_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
)
Index("ix_invoice_order_work", invoice_order.c.state, invoice_order.c.accepted_at)
Index("ix_invoice_order_order_id", invoice_order.c.product_store_id, invoice_order.c.order_id)
Index("ix_invoice_order_numbers_of", invoice_order.c.order_id)
Index("ix_invoice_order_fold", invoice_order.c.product_store_id, invoice_order.c.number_fold)
Index("ix_invoice_order_likeness", invoice_order.c.likeness_sha256)

order_identity = Table(
    "order_identity",
    metadata,
    Column("order_id", String(60), primary_key=True, doc="HotWax orderId"),
    Column("product_store_id", String(60), nullable=True),
    Column("order_no", String(9), nullable=True, doc="the one that may be sent; NULL for none"),
)

invoice_attempt = Table(
    "invoice_attempt",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("product_store_id", String(60), nullable=False),
    Column("order_no", String(9), nullable=False),
    Column("number", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("body_sha256", String(64), nullable=False),
    Column("owner", String(60), nullable=False),
    Column("armed_at", Moment, nullable=False),
    Column("quiet_seconds", Integer, nullable=True, doc="quiet time that was set when it was sent"),
    Column("ended_at", Moment, nullable=True),
    Column("outcome", String(40), nullable=True),
    Column("http_status", Integer, nullable=True),
    Column("answer", LargeBinary, nullable=True),
    Column("response_file", String(255), nullable=True),
    Column("response_stored_at", Moment, nullable=True),
    ForeignKeyConstraint(
        ["product_store_id", "order_no"],
        ["invoice_order.product_store_id", "invoice_order.order_no"],
        name="fk_invoice_attempt_order",
    ),
    UniqueConstraint("product_store_id", "order_no", "number"),
)
Index(
    "ix_invoice_attempt_response", invoice_attempt.c.response_stored_at, invoice_attempt.c.ended_at
)

invoice_event = Table(
    "invoice_event",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("product_store_id", String(60), nullable=False),
    Column("order_no", String(9), nullable=False),
    Column("at", Moment, nullable=False),
    Column("who", String(60), nullable=False),
    Column("from_state", String(10), nullable=True),
    Column("to_state", String(10), nullable=False),
    Column("why", Text, nullable=False),
)
Index("ix_invoice_event_order", invoice_event.c.product_store_id, invoice_event.c.order_no)

file_event = Table(
    "file_event",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("path", String(400), nullable=False),
    Column("at", Moment, nullable=False),
    Column("who", String(60), nullable=False),
    Column("why", Text, nullable=False),
)

circuit = Table(
    "circuit",
    metadata,
    Column("server", String(255), primary_key=True, doc="base URL of the endpoint"),
    Column("state", String(10), nullable=False, doc="CLOSED, OPEN or HALF_OPEN"),
    Column("holder", String(60), nullable=True, doc="the run that sends the canaries"),
    Column("reason", Text, nullable=False),
    Column("not_before", Moment, nullable=True),
    Column("changed_at", Moment, nullable=False),
)

ledger_restore = Table(
    "ledger_restore",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("began_at", Moment, nullable=False),
    Column("began_by", String(60), nullable=False),
    Column("why", Text, nullable=False),
    Column("ended_at", Moment, nullable=True, doc="NULL while nothing may be sent"),
    Column("ended_by", String(60), nullable=True),
    Column("evidence", Text, nullable=True),
)

ledger = Table(
    "ledger",
    metadata,
    Column("ledger_id", String(36), primary_key=True, doc="one row; a new id after a restore"),
)

ledger_sending = Table(
    "ledger_sending",
    metadata,
    Column("product_store_id", String(60), primary_key=True),
    Column("sendings", Integer, nullable=False, doc="attempts of its orders that were armed"),
)

failure_report = Table(
    "failure_report",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("message_id", String(200), nullable=False, unique=True),
    Column("product_store_id", String(60), nullable=False),
    Column("journey", String(10), nullable=False, server_default="invoicing"),
    Column("created_at", Moment, nullable=False),
    Column("mailed_at", Moment, nullable=True),
    Column("tries", Integer, nullable=False, default=0, doc="runs that could not mail it"),
    Column("next_try_at", Moment, nullable=True),
    Column("put_off", Text, nullable=True, doc="the recipients still without it, one per line"),
)

invoice_failure = Table(
    "invoice_failure",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(12), nullable=False),
    Column("journey", String(10), nullable=False, server_default="invoicing"),
    Column("product_store_id", String(60), nullable=False),
    Column("order_no", String(60), nullable=False, doc="'' where the feed had none"),
    Column("order_id", String(60), nullable=False, doc="'' where the feed was not ours"),
    Column("store", String(60), nullable=True),
    Column("amount", Units, nullable=True),
    Column("currency", String(3), nullable=True),
    Column("reason_code", String(40), nullable=False),
    Column("reason", Text, nullable=False),
    Column("next_step", Text, nullable=False),
    Column("source_file", String(255), nullable=False),
    Column("fingerprint", String(64), nullable=False, unique=True, doc="the same failure once"),
    Column("failed_at", Moment, nullable=False),
    Column("report_id", Integer, ForeignKey("failure_report.id"), nullable=True),
)
Index("ix_invoice_failure_report", invoice_failure.c.report_id)
