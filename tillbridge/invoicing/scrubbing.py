"""Keeps customers out of reasons: an answer may repeat what it was asked. Pure."""

from __future__ import annotations

import re
from dataclasses import replace

from tillbridge import harmless
from tillbridge.contracts import json_text
from tillbridge.invoicing.outcome import Verdict

_LONGEST = 300
_SHORTEST = 3
_CUSTOMERS = ("CustomerBilling", "CustomerShipping")
_COMPANY = ("CompanyId", "CompanyName", "CompanyAddress")


def without_customer_data(verdict: Verdict, body: bytes) -> Verdict:
    """Take the customer's values in the request `body` out of a verdict's reason, and bound its length."""
    request = json_text.read(body)
    values = [request.get(name) for name in _COMPANY]
    for role in _CUSTOMERS:
        values += (request.get(role) or {}).values()
    reason = verdict.reason
    # Longest first, or a short name would leave half of a long one standing.
    for value in sorted({str(value) for value in values if value}, key=len, reverse=True):
        if len(value) >= _SHORTEST:
            reason = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "…", reason, flags=re.IGNORECASE)
    return replace(verdict, reason=harmless.line(reason, _LONGEST))
