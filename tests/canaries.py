"""Marker texts for secrets and customers, and how to find them in all that a run left behind."""

from __future__ import annotations

import base64
import json
import logging
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from prefect.client.schemas.objects import State

from sandbox.platform import Platform
from sandbox.retail_pro_door import PASSWORD, USER
from tests.fixtures_prefect import Installation

CUSTOMER = {
    "first name": "Zenobia",
    "last name": "Quintanar",
    "e-mail": "kanari77@postfach.example",
    "phone": "+503 7714-9265",
    "street": "Calle Ruisenor 4411",
    "second line": "Apto Jilguero",
    "city": "Pinzonburgo",
    "postal code": "PC-90417",
    "card": "4929118822773366",
    "document": "07731946-2",
    "gift message": "Feliz cumple Abubilla",
    "company": "Gorrion Hermanos",
    "company id": "0614-230490-1077",
    "company address": "Paseo Oropendola 9",
    "birthday": "born-1979-lucero",
}
SECRETS = {
    "Retail Pro password": PASSWORD,
    "other Retail Pro password": "pw-of-retail-pro-Xq7",
    "token": "token-Yd83kfq2Lw",
    "API key": "apikey-P0w9vb31Zz",
    "SFTP password": "sftp-pw-Hh27sjc8",
    "passphrase": "phrase-Mm51kdy6",
    "SMTP password": "smtp-pw-Rr64wqe9",
    "database password": "db-pw-Tt38zxc1",
}
"""All of them planted; the texts of the SFTP keys and the session of Retail Pro come to them at run time."""

ECHO = (
    "Customer {first name} {LAST NAME} <{e-mail}>, tel 503 77149265, of {street}, {second line}, {city}, "
    "document 07731946 2 ({company}, {company id}, {company address}) is blocked"
).format(**CUSTOMER, **{"LAST NAME": CUSTOMER["last name"].upper()})

FAR_ENDS = ("mail", "asyncssh", "uvicorn", "starlette", "asyncio")
"""Loggers of the stand-ins, which run in this process; in the field their logs are somebody else's."""


class Canaries:
    """The markers, in every spelling that is looked for."""

    def __init__(self, markers: Mapping[str, str]) -> None:
        self._spellings: dict[str, str] = {}
        for name, text in markers.items():
            self.add(name, text)

    def add(self, name: str, text: str) -> None:
        """Look for one more text, also when it is encoded, written without separators or in other cases."""
        words = [word for word in re.split(r"[\s<>@]+", text) if len(word) > 6]
        # A number in other groups shows at least one long run of its digits.
        digits = [*re.findall(r"\d{7,}", text), re.sub(r"\D", "", text)[-8:]]
        plain = {text, *words, quote(text), quote_plus(text), re.sub(r"\W", "", text)}
        plain |= {run for run in digits if len(run) > 6}
        for spelling in plain:
            self._spellings[spelling.casefold()] = name
        self._spellings[base64.b64encode(f"{USER}:{text}".encode()).decode().casefold()] = name
        self._spellings[base64.b64encode(text.encode()).decode().rstrip("=").casefold()] = name

    def seen_in(self, text: str) -> set[str]:
        """Name the markers that stand in a text."""
        folded = text.casefold()
        return {name for spelling, name in self._spellings.items() if spelling in folded}


class _Listener(logging.Handler):
    """Keeps all that is logged in this process, formatted with its traceback."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s %(args)r"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.split(".")[0] not in FAR_ENDS:
            self.lines.append(self.format(record))


@contextmanager
def listening() -> Iterator[list[str]]:
    """Turn every logger to DEBUG and give what is logged."""
    listener = _Listener()
    loggers = [
        logging.getLogger(name) for name in [None, "prefect", *logging.root.manager.loggerDict]
    ]
    before = [(logger, logger.level) for logger in loggers]
    for logger in loggers:
        # What the product quiets with a level of its own stays quiet.
        if logger.level <= logging.CRITICAL:
            logger.setLevel(logging.DEBUG)
        if logger.parent is None or not logger.propagate:
            logger.addHandler(listener)
    try:
        yield listener.lines
    finally:
        for logger, level in before:
            logger.setLevel(level)
            logger.removeHandler(listener)


def plant(feed: Path, order_numbers: list[str]) -> list[str]:
    """Put the customer into every order of a feed, and spoil some; gives the numbers of the sound ones."""
    orders = json.loads(feed.read_bytes())
    for order in orders:
        _put_customer(order)
    sound = [order for order in orders if order["orderId"].lstrip("M") in order_numbers]
    spoils = [
        lambda order: order["billTo"].update(address1=CUSTOMER["street"] * 3),
        lambda order: order.update(customerEmail=[CUSTOMER["e-mail"]]),
        lambda order: order.update(grandTotal=CUSTOMER["card"]),
        lambda order: order.update(orderDate=CUSTOMER["birthday"]),
        lambda order: order.update(currency=CUSTOMER["city"]),
        lambda order: order.update(customerPhone={CUSTOMER["e-mail"]: CUSTOMER["phone"]}),
        lambda order: order["orderAttributes"].append(
            {"attrName": "taxCredit", "attrValue": CUSTOMER["company"]}
        ),
    ]
    for spoil, order in zip(spoils, sound, strict=False):
        spoil(order)
    text = json.dumps(orders)
    feed.write_text(text)
    # Another feed ends in the middle of a name.
    cut = text.index(CUSTOMER["last name"]) + 4
    feed.with_name("CompletedOrders-cut.json").write_text(text[:cut])
    return [order["orderId"].lstrip("M") for order in sound[len(spoils) :]]


def _put_customer(order: dict[str, Any]) -> None:
    address = {
        "toName": f"{CUSTOMER['first name']} {CUSTOMER['last name']}",
        "address1": CUSTOMER["street"],
        "address2": CUSTOMER["second line"],
        "city": CUSTOMER["city"],
        "postalCode": CUSTOMER["postal code"],
        "email": CUSTOMER["e-mail"],
        "phone": CUSTOMER["phone"],
    }
    order |= {
        "customerFirstName": CUSTOMER["first name"],
        "customerLastName": CUSTOMER["last name"],
        "customerEmail": CUSTOMER["e-mail"],
        "customerPhone": CUSTOMER["phone"],
        "birthday": CUSTOMER["birthday"],
        "giftMessage": CUSTOMER["gift message"],
        "billTo": {**(order.get("billTo") or {}), **address},
    }
    for shipment in order["shipments"]:
        shipment["shipTo"] = {**(shipment.get("shipTo") or {}), **address}
    for payment in order.get("payments") or ():
        payment["cardNumber"] = CUSTOMER["card"]
    attributes = {
        "customerId": CUSTOMER["document"],
        "companyName": CUSTOMER["company"],
        "companyId": CUSTOMER["company id"],
        "companyAddress": CUSTOMER["company address"],
    }
    kept = [one for one in order.get("orderAttributes") or () if one["attrName"] not in attributes]
    order["orderAttributes"] = kept + [
        {"attrName": name, "attrValue": value} for name, value in attributes.items()
    ]


def everything_of(platform: Platform, since: datetime) -> Iterator[tuple[str, str]]:
    """Give all that the Prefect server has, by its API and in the files of its home."""
    started = {"start_time": {"after_": since.isoformat()}}
    asked = {
        "flow_runs": {"flow_runs": started},
        "task_runs": {"task_runs": started},
        "logs": {"logs": {"timestamp": {"after_": since.isoformat()}}},
        "artifacts": {},
        "block_documents": {"include_secrets": False},
        "variables": {},
        "automations": {},
    }
    for name, wanted in asked.items():
        for offset in range(0, 100_000, 200):
            found = platform.api(
                "POST", f"/{name}/filter", {**wanted, "limit": 200, "offset": offset}
            )
            yield from ((f"Prefect API {name}", json.dumps(one)) for one in found)
            if len(found) < 200:
                break
    events = platform.api("POST", "/events/filter", {"filter": {}, "limit": 50})
    while True:
        yield from (("Prefect API events", json.dumps(one)) for one in events["events"])
        if not events["next_page"]:
            break
        events = platform.api("GET", events["next_page"].partition("/api")[2])
    home = Path(platform.environment["PREFECT_HOME"])
    for path in [*home.rglob("*"), *home.parent.glob("*.log")]:
        if path.is_file():
            yield f"Prefect home {path.name}", path.read_bytes().decode("utf-8", "replace")


def everything_left(installation: Installation) -> Iterator[tuple[str, str]]:
    """Give files and file names on SFTP, the ledger by column, and the parts of every mail."""
    root = installation.far_ends.files
    for path in sorted(root.rglob("*")):
        where = str(path.relative_to(root.parent))
        yield f"names/{where}", where
        if path.is_file():
            yield where, path.read_text(errors="replace")
    file = installation.far_ends.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as database:
        tables = [
            row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        for table in tables:
            rows = database.execute(f"SELECT * FROM {table}")  # noqa: S608 - our own names
            names = [column[0] for column in rows.description]
            for row in rows:
                for name, value in zip(names, row, strict=True):
                    text = (
                        value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
                    )
                    yield f"ledger/{table}.{name}", text
    for mail in installation.far_ends.inbox.messages():
        yield "mail head", str(list(mail.items()))
        for part in mail.walk():
            if not part.is_multipart():
                yield f"mail {part.get_content_type()}", part.get_payload(decode=True).decode()


def result_of(state: State[Any]) -> str:
    """Give what a caller sees of a run: its state, and its exception with all that caused it."""
    problem = state.result(raise_on_failure=False)
    texts = [repr(state), str(state.message)]
    while isinstance(problem, BaseException):
        texts += [repr(problem), str(problem)]
        problem = problem.__cause__ or (
            None if problem.__suppress_context__ else problem.__context__
        )
    return "\n".join(texts)
