"""Exchanges with Retail Pro from errors and back.

Nothing here says what an exchange means for an order: that is `tillbridge.invoicing.outcome`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tillbridge.contracts.http_exchange import Exchange
from tillbridge.errors import ConfigurationProblem, TillbridgeError, Unavailable

_LONGEST_WAIT = 3600.0


def not_sent(error: TillbridgeError) -> Exchange:
    """Tell as an exchange that `error` came before anything was sent."""
    return Exchange(
        "not_sent", problem=str(error), configuration=isinstance(error, ConfigurationProblem)
    )


def as_error(exchange: Exchange, what: str) -> TillbridgeError:
    """Say as an error why `what` (a read or a login, never an invoice) could not be done."""
    if exchange.stage != "answered":
        kind = ConfigurationProblem if exchange.configuration else Unavailable
        return kind(f"{what}: {exchange.problem}")
    if exchange.status in {401, 403}:
        return ConfigurationProblem(
            f"{what}: Retail Pro refused the credential (HTTP {exchange.status}); check user and secret"
        )
    if exchange.status in {404, 405}:
        return ConfigurationProblem(
            f"{what}: HTTP {exchange.status}; check the base URL and the path in the Retail Pro block"
        )
    return Unavailable(f"{what}: {exchange.problem or f'HTTP {exchange.status}'}")


def read_retry_after(value: str | None, now: datetime) -> float | None:
    """Read a Retry-After header in either of its forms as seconds from `now`, at most one hour.

    None where there is none or it cannot be read.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isdecimal():
        return min(float(text), _LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return min(max((at - now).total_seconds(), 0.0), _LONGEST_WAIT)
