"""The server an order belongs to, and the quiet time of each attempt.

Earlier versions kept neither. An order that may have been booked somewhere gets the server '': a person says
which one it is. Of all others it is proved that nothing was booked, or what; they take the first server they
meet. Where no quiet time was kept, that of the Retail Pro block counts, as before.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, and mark the orders of which nobody knows where they were sent."""
    op.add_column("invoice_order", sa.Column("server", sa.String(length=255), nullable=True))
    op.add_column(
        "invoice_order", sa.Column("quiet_until", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("invoice_attempt", sa.Column("quiet_seconds", sa.Integer(), nullable=True))
    op.execute(
        "UPDATE invoice_order SET server = '' WHERE attempts > 0 AND state NOT IN ('CONFIRMED', 'CANCELLED') "
        "AND (doubts > 0 OR state IN ('INFLIGHT', 'UNKNOWN', 'PARKED'))"
    )
