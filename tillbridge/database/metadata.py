"""The metadata that every table belongs to, and the two column types money and time are kept in.

The types behave alike on SQLite and PostgreSQL, and refuse what they could not give back unchanged.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import BigInteger, DateTime, Dialect, MetaData
from sqlalchemy.types import TypeDecorator

from tillbridge import money

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Units(TypeDecorator[Decimal]):
    """An amount or a quantity, kept as an exact integer of 1/10,000."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Make an integer of a `Decimal`; a float or anything finer than 1/10,000 is refused."""
        if value is None:
            return None
        if not isinstance(value, Decimal):
            raise TypeError(f"an amount is a Decimal, not a {type(value).__name__}")
        return money.to_units(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        """Give the amount back as it was written."""
        return None if value is None else money.from_units(int(value))


class Moment(TypeDecorator[datetime]):
    """A point in time, always aware and in UTC, to the microsecond."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Take an aware time of any zone; a naive one is refused, because nobody knows its zone."""
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError("a time needs its zone; this one is naive")
        moment = value.astimezone(UTC)
        # SQLite keeps text without a zone, in which order and equality work because it is all UTC.
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the time back in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
