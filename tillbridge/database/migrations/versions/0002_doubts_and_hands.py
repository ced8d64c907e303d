"""Orders in doubt over several runs, the circuit, hand-overs by a person, and the life after a restore."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Count doubts instead of flagging one, and add what lives longer than a run."""
    order_columns: tuple[sa.Column[Any], ...] = (
        sa.Column("doubts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("keyed_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unknown_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("absent_since", sa.DateTime(timezone=True), nullable=True),
    )
    for column in order_columns:
        op.add_column("invoice_order", column)
    op.execute(sa.text("UPDATE invoice_order SET doubts = 1 WHERE doubtful"))
    op.execute(sa.text("UPDATE invoice_order SET sent_until = changed_at WHERE attempts > 0"))
    with op.batch_alter_table("invoice_order") as batch:
        batch.drop_column("doubtful")
    report_columns: tuple[sa.Column[Any], ...] = (
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("put_off", sa.Text(), nullable=True),
    )
    for column in report_columns:
        op.add_column("failure_report", column)
    op.create_table(
        "circuit",
        sa.Column("server", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("holder", sa.String(length=60), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("server", name=op.f("pk_circuit")),
    )
    op.create_table(
        "file_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(length=400), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.String(length=60), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file_event")),
    )
    op.create_table(
        "ledger_restore",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("began_by", sa.String(length=60), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(length=60), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_restore")),
    )
