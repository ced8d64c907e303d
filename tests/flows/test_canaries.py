"""Canaries: no secret and no customer is seen anywhere but in the places that are meant to hold them.

Marker texts are planted as every secret and in every field of a customer, the flows are run with debug
logging on, also where they fail, and then everything they left behind is searched.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow
from prefect.client.schemas.objects import State
from prefect_email import EmailServerCredentials

import flows.invoice_orders as invoice_flow
from blocks import MailNotification, OrderDatabase, RetailPro, SftpServer
from commands.config import read_config
from flows.check_control_totals import check_control_totals
from flows.export_completed_orders import export_completed_orders
from flows.invoice_orders import invoice_orders
from flows.replay_orders import replay_orders
from flows.report_invoice_failures import report_invoice_failures
from flows.resolve_order import resolve_order
from flows.transform_completed_orders import transform_completed_orders
from sandbox.kinds import GOOD
from sandbox.mail import SmtpInbox
from sandbox.platform import Platform
from sandbox.retail_pro_door import PASSWORD, USER
from sandbox.services import RECIPIENT, SENDER
from tasks import invoices, reports
from tests.canaries import (
    CUSTOMER,
    ECHO,
    SECRETS,
    Canaries,
    everything_left,
    everything_of,
    listening,
    plant,
    result_of,
)
from tests.fixtures_prefect import Installation
from tests.fixtures_retail_pro import order_body
from tests.fixtures_sftp import make_key

ALLOWED = {
    "sftp/hotwax/completed-orders/archive/*": "the feed as it came",
    "sftp/hotwax/completed-orders/quarantine/*": "orders as they came, and the values that are wrong in them",
    "sftp/retail-pro/order-to-invoice/archive/*": "the requests; Retail Pro has to have the customer",
    "sftp/retail-pro/order-to-invoice/quarantine/*": "requests as they came, and the values that are wrong",
    "sftp/retail-pro/order-to-invoice/responses/*": "the answers of Retail Pro, word for word",
    "ledger/invoice_order.body": "the exact bytes to post",
    "ledger/invoice_attempt.answer": "the exact bytes of the answer",
}
"""Where a customer's data may stand, and why. A secret may stand nowhere but in an encrypted block."""

REFUSALS = [("reject", 400), ("reject", 200), ("status", 409), ("status", 500), ("status", 422)]
"""How the orders are answered whose answer repeats the customer."""


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries as many as ever, but without their waits."""
    quick = invoices.invoice_order.with_options(retry_delay_seconds=0.1)
    monkeypatch.setattr(invoice_flow, "invoice_order", quick)
    mail = reports.mail_report.with_options(retry_delay_seconds=0.1)
    monkeypatch.setattr(reports, "mail_report", mail)


@pytest.fixture
def broken_blocks(installation: Installation, tmp_path: Path) -> Iterator[None]:
    """Stored blocks with secrets that do not work, each under the name of what goes wrong."""
    sftp = installation.far_ends.sftp
    place = {
        "host": "127.0.0.1",
        "port": sftp.port,
        "user": sftp.user,
        "host_keys": [sftp.host_key],
    }
    locked = make_key(tmp_path / "locked", passphrase=SECRETS["passphrase"]).read_text()
    unknown = make_key(tmp_path / "unknown").read_text()
    for name, login in {
        "password": {"password": SECRETS["SFTP password"]},
        "unknown-key": {"private_key": unknown},
        "locked-key": {"private_key": locked, "private_key_passphrase": SECRETS["SFTP password"]},
    }.items():
        SftpServer(**place, **login).save(name, overwrite=True)
    for mode, base_url in {
        "basic": installation.far_ends.retail_pro.base_url,
        "prism_session": installation.far_ends.retail_pro.base_url,
        "bearer": "http://127.0.0.1:9",
    }.items():
        RetailPro(
            base_url=base_url,
            credential_mode=mode,
            user=USER,
            password=SECRETS["other Retail Pro password"],
            token=SECRETS["token"],
            api_key=SECRETS["API key"],
        ).save(mode.replace("_", "-"), overwrite=True)
    account = f"tillbridge:{SECRETS['database password']}@127.0.0.1:9"
    OrderDatabase(url=f"postgresql://{account}/x").save("nobody", overwrite=True)
    OrderDatabase(url=account).save("no-url", overwrite=True)
    with SmtpInbox(tmp_path / "strict", login=("tillbridge", "another password")) as strict:
        for name, port in {"refused": strict.port, "nobody": 9}.items():
            credentials = EmailServerCredentials(
                username="tillbridge",
                password=SECRETS["SMTP password"],
                smtp_server="127.0.0.1",
                smtp_port=port,
                smtp_type="INSECURE",
            )
            credentials.save(name, overwrite=True)
            mail = MailNotification(credentials=credentials, sender=SENDER, recipients=[RECIPIENT])
            mail.save(name, overwrite=True)
        yield


def use_prism(installation: Installation) -> None:
    """Log in to Retail Pro with a password from now on, and get a session for it."""
    installation.far_ends.retail_pro.retail_pro.door.mode = "prism_session"
    login = f'credential_mode = "prism_session"\nuser = "{USER}"\npassword = "{PASSWORD}"\n'
    text = installation.config.read_text()
    installation.config.write_text(text.replace("[retail_pro]\n", f"[retail_pro]\n{login}"))
    read_config(installation.config).retail_pro.save("tillbridge", overwrite=True)


def naming(installation: Installation, **names: str) -> str:
    """Store a profile that names a broken block; gives its name."""
    profile = read_config(installation.config).profiles["tillbridge"].model_copy(update=names)
    profile.save("broken", overwrite=True)
    return "broken"


def run_everything(installation: Installation) -> dict[str, State[Any]]:
    """Run the flows with every secret and customer planted, well and badly; gives their states."""
    far_ends, states = installation.far_ends, {}
    feeds, requests = (
        far_ends.files / f for f in ("hotwax/completed-orders", "retail-pro/order-to-invoice")
    )

    def run(flow: Flow[..., Any], ends_well: bool = True, **parameters: Any) -> None:
        state = installation.run(flow, **parameters)
        states[f"{len(states)} {flow.name} {parameters}"] = state
        assert state.is_completed() == ends_well, state.message

    seeded = installation.seed(20)
    run(export_completed_orders)
    (feed,) = feeds.glob("*.json")
    sound = plant(feed, seeded.numbers(GOOD))
    run(transform_completed_orders)
    for name in ("password", "unknown-key", "locked-key"):
        run(invoice_orders, False, profile=naming(installation, sftp_server=name))
    for name in ("nobody", "no-url"):
        run(report_invoice_failures, False, profile=naming(installation, order_database=name))
    for mode in ("basic", "prism_session"):
        far_ends.retail_pro.retail_pro.door.mode = mode  # type: ignore[assignment]
        broken = naming(installation, retail_pro=mode.replace("_", "-"))
        run(invoice_orders, False, profile=broken)
    run(invoice_orders, False, profile=naming(installation, retail_pro="bearer"))
    use_prism(installation)
    strange = json.loads(order_body("1")) | {CUSTOMER["e-mail"]: 1}
    (requests / "by-hand.json").write_text(json.dumps([strange, CUSTOMER["last name"]]))
    for order_no, (kind, status) in zip(sound, REFUSALS, strict=False):
        far_ends.retail_pro.program(kind, order_no=order_no, status=status, message=ECHO)
    run(invoice_orders)
    for name in ("refused", "nobody"):
        broken = naming(installation, mail_notification=name)
        run(report_invoice_failures, False, profile=broken, send_now=True)
    run(report_invoice_failures, send_now=True)
    run(check_control_totals)
    who = {"by": "Ana", "reason": "to look at it"}
    # Too early: a request may still be under way.
    run(resolve_order, False, orders=sound[3:4], decision="cancel", evidence="not there", **who)
    run(replay_orders, orders=sound[:4], **who)
    return states


@pytest.mark.usefixtures("broken_blocks")
def test_no_secret_and_no_customer_is_seen_where_it_does_not_belong(
    installation: Installation,
    prefect_server: Platform,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Logs, Prefect, mails, reports, states and errors hold keys, reasons and counts, in every failure too."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    since = datetime.now(UTC)
    with listening() as logged:
        states = run_everything(installation)

    secrets, customers = Canaries(SECRETS), Canaries(CUSTOMER)
    far_ends = installation.far_ends
    for session in far_ends.retail_pro.retail_pro.door.sessions:
        secrets.add("session", session)
    for key in [tmp_path / "locked", tmp_path / "unknown", far_ends.state / "keys/sftp_client_key"]:
        for line in key.read_text().splitlines()[2:-1]:
            secrets.add(f"private key {key.name}", line)
    seen = [("log", line) for line in logged]
    seen += [("output", text) for text in capfd.readouterr()]
    seen += [(f"state of {name}", result_of(state)) for name, state in states.items()]
    seen += everything_left(installation)
    seen += everything_of(prefect_server, since)

    leaks, caught = set(), set()
    for where, text in seen:
        place = next((one for one in ALLOWED if fnmatch.fnmatch(where, one)), None)
        customer = customers.seen_in(text)
        caught |= {place} if customer else set()
        leaks |= {
            (where, name) for name in secrets.seen_in(text) | (customer if not place else set())
        }
    assert sorted(leaks) == []
    assert list(scratch.rglob("*")) == []
    # The net has no hole: what it should catch is there.
    assert caught == set(ALLOWED)
    places = {where for where, _ in seen}
    assert {f"Prefect API {name}" for name in ("logs", "artifacts", "events")} <= places
    assert {"prefect", "sqlalchemy", "tillbridge"} <= {line.split(".")[0] for line in logged}
    assert sum("is blocked" in text for where, text in seen if where == "mail text/plain") == 1
