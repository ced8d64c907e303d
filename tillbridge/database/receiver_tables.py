"""The receipts of the TLog receiver, and the inbox in which TLogs wait for SFTP.

A receipt is kept for as long as its order may come again, which is for good: it is one row.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table

from tillbridge.database.metadata import Moment, metadata

tlog_receipt = Table(
    "tlog_receipt",
    metadata,
    Column("identity", String(64), primary_key=True, doc="SHA-256 of client, order and revision"),
    Column("receipt_id", String(32), nullable=False),
    Column("client", String(40), nullable=False),
    Column(
        "order_id", String(60), nullable=False, doc="for people; characters nobody sees replaced"
    ),
    Column(
        "revision", String(64), nullable=False, doc="SHA-256 of the returned lines, '' for none"
    ),
    Column("body_sha256", String(64), nullable=False),
    Column("canonical_sha256", String(64), nullable=False, doc="the content, however it is spelt"),
    Column("file_name", String(120), nullable=False),
    Column("state", String(10), nullable=False, doc="storing, accepted (in the inbox) or stored"),
    Column("epoch", Integer, nullable=False, doc="counts the contents tried before one was stored"),
    Column("lease_until", Moment, nullable=True, doc="until then somebody is storing it"),
    Column("received_at", Moment, nullable=False, doc="its day is part of the file's name"),
    Column("stored_at", Moment, nullable=True),
)
Index("uq_tlog_receipt_receipt_id", tlog_receipt.c.receipt_id, unique=True)
Index("ix_tlog_receipt_client_order_id", tlog_receipt.c.client, tlog_receipt.c.order_id)

tlog_inbox = Table(
    "tlog_inbox",
    metadata,
    Column("path", String(400), primary_key=True, doc="where on SFTP it goes"),
    Column("body", LargeBinary, nullable=False),
    Column("identity", String(64), nullable=True, doc="its receipt; none for what is kept aside"),
    Column("accepted_at", Moment, nullable=False),
    Column("lease_until", Moment, nullable=True, doc="until then somebody is writing it"),
)
Index("ix_tlog_inbox_accepted_at", tlog_inbox.c.accepted_at)
