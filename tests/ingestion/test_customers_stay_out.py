"""What a TLog says of its customer stays in the TLog, in the records made of it, and in quarantine.

Marker texts are put into every field of a customer, also where another value belongs, and then all that
people and logs see of a run is searched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from tests.canaries import CUSTOMER, Canaries, listening
from tests.fixtures_database import as_owner
from tests.ingestion.baskets import line, sale
from tests.ingestion.places import Run, drop, put_away
from tillbridge.contracts import json_text
from tillbridge.database.engine import transaction
from tillbridge.database.metadata import metadata
from tillbridge.ingestion.summary import RunSummary
from tillbridge.reporting import mail_outbox
from tillbridge.reporting.report import WORDINGS, FailureReport

ALLOWED = {"till_record.body"}
"""Where a customer may stand in the database: the order store has to have him."""

ADDRESS = {
    "addressLine1": CUSTOMER["street"],
    "addressLine2": CUSTOMER["second line"],
    "city": CUSTOMER["city"],
    "postalCode": CUSTOMER["postal code"],
    "firstName": CUSTOMER["first name"],
    "lastName": CUSTOMER["last name"],
}
PERSON = {
    "email": CUSTOMER["e-mail"],
    "phoneNumber": CUSTOMER["phone"],
    "shippingAddress": ADDRESS,
    "billingAddress": ADDRESS,
    "customerProfile": {
        "customerId": CUSTOMER["document"],
        "firstName": CUSTOMER["first name"],
        "lastName": CUSTOMER["last name"],
        "email": CUSTOMER["e-mail"],
        "phoneMobile": CUSTOMER["phone"],
        "birthday": CUSTOMER["birthday"],
    },
    "giftMessage": CUSTOMER["gift message"],
    CUSTOMER["e-mail"]: CUSTOMER["card"],
}
SPOILS: list[dict[str, Any]] = [
    {"email": [CUSTOMER["e-mail"]]},
    {"email": {CUSTOMER["e-mail"]: CUSTOMER["phone"]}},
    {"phoneNumber": True, "customerProfile": CUSTOMER["last name"]},
    {"orderDate": CUSTOMER["birthday"]},
    {"currency": CUSTOMER["city"]},
    {"totalAmount": CUSTOMER["card"]},
    {"totalAmount": int(CUSTOMER["card"])},
    {"shippingAmount": CUSTOMER["phone"]},
    {"shippingAddress": {**ADDRESS, "city": "\ud800" + CUSTOMER["city"]}},
    {"billingAddress": [CUSTOMER["street"]]},
    {"storeId": None},
    {"tenders": [{"paymentMethod": [CUSTOMER["card"]], "amountAuthorized": CUSTOMER["card"]}]},
    {"orderProductList": [line(quantity=CUSTOMER["document"])]},
    {"orderProductList": CUSTOMER["company"]},
    {"orderProductList": [line(), CUSTOMER["e-mail"]]},
]


@pytest.fixture
def seen(run: Run, exchange: Path, engine: Engine) -> Iterator[dict[str, str]]:
    """All that is seen of runs over sound, spoiled and broken documents of the customer."""
    sound = sale(**PERSON)
    spoiled = [
        sale(**{**PERSON, "orderId": f"A32-T1-1{number:05}", **spoil})
        for number, spoil in enumerate(SPOILS)
    ]
    text = json_text.write(sound)
    broken = [
        text[: text.index(CUSTOMER["last name"].encode()) + 4],
        text.replace(CUSTOMER["e-mail"].encode(), b'"' + CUSTOMER["e-mail"].encode()),
        text.replace(CUSTOMER["city"].encode(), CUSTOMER["city"].encode() + b"\xff"),
        text.replace(CUSTOMER["city"].encode(), CUSTOMER["city"].encode() + b"\n\\q"),
        text.replace(b'"email"', b'"email":"' + CUSTOMER["e-mail"].encode() + b'","email"'),
        text.replace(b'"giftMessage"', b'"orderStatus":' + b"4" * 30 + b',"giftMessage"'),
    ]
    conflict = sale(**PERSON, orderProductList=[line(tax=3, total=39)], taxSubTotal=3)
    summaries: list[RunSummary] = []
    with listening() as logged:
        drop(exchange, sound, *spoiled, *broken, spoiled, conflict | {"totalAmount": 39})
        summaries += [run(), run(worker="again")]
        drop(exchange, sound, *spoiled, start=500)
        summaries.append(run(worker="later"))
    found = {"logs": "\n".join(logged)}
    for summary in summaries:
        shown = [summary.message, repr(summary.totals.as_table())]
        shown += [repr((file.name, file.counts, file.notes)) for file in summary.files]
        found[f"artifacts {len(found)}"] = "\n".join(shown)
    found["names"] = "\n".join(str(path) for path in exchange.rglob("*"))
    found["findings"] = "\n".join(_expectations(exchange))
    found |= _database(engine)
    found |= _mails(engine)
    yield found
    assert len(put_away(exchange, "quarantine")) > 2 * len(spoiled)


def test_no_customer_is_seen(seen: dict[str, str]) -> None:
    """Not in logs, artifacts, names, findings, tables or mails."""
    canaries = Canaries(CUSTOMER)
    shown = {where: canaries.seen_in(text) for where, text in seen.items()}
    assert {where for where in ALLOWED if shown.pop(where)} == ALLOWED
    assert {where: names for where, names in shown.items() if names} == {}
    assert len(seen["mail as_text"]) > 100


def _expectations(exchange: Path) -> Iterator[str]:
    """Give the words of the quarantine's reports; what stood in a document is beside them, as its value."""
    for path in (exchange / "predictspring/tlog/quarantine").glob("*.report.json"):
        reports = json.loads(path.read_bytes())
        for report in reports if isinstance(reports, list) else [reports]:
            for finding in report["findings"]:
                yield f"{finding['pointer']} {finding['expected']}"


def _database(engine: Engine) -> dict[str, str]:
    found: dict[str, str] = {}
    with as_owner(engine) as owner, transaction(owner) as connection:
        for table in metadata.sorted_tables:
            rows = connection.execute(select(table)).all()
            for column in table.c:
                found[f"{table.name}.{column.name}"] = "\n".join(
                    str(getattr(row, column.name)) for row in rows
                )
    return found


def _mails(engine: Engine) -> dict[str, str]:
    outbox = mail_outbox.look(engine, "SV_STORE", "tills", send_now=True)
    [opened] = outbox.due
    report = FailureReport(opened.failures, "Europe/Lisbon", "Brand", None, WORDINGS["tills"])
    texts = {
        name: getattr(report, name)()
        for name in ("subject", "as_text", "as_html", "as_markdown", "as_csv", "as_table")
    }
    return {f"mail {name}": str(text) for name, text in texts.items()}
