"""How the Retail Pro client proves who it is and whom it trusts, over real HTTP and TLS."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from sandbox.certificate import write_certificate
from sandbox.retail_pro import RetailProStandIn
from sandbox.retail_pro_door import PASSWORD
from tests.fixtures_retail_pro import OK, SECRETS, UPC, order, scripted_server
from tillbridge.clients.retail_pro import RetailProClient, RetailProSettings, StockRow
from tillbridge.clients.retail_pro_login import nonce_response
from tillbridge.errors import ConfigurationProblem

StartRetailPro = Callable[..., RetailProStandIn]
ClientOf = Callable[..., RetailProClient]
MODES = ["none", "basic", "bearer", "api_key_header", "prism_session"]


@pytest.mark.parametrize("mode", MODES)
def test_every_credential_mode_lets_us_in(
    mode: str, start_retail_pro: StartRetailPro, client_of: ClientOf
) -> None:
    """With the right secret each mode makes the invoice, reads the stock and passes the check."""
    retail_pro = start_retail_pro(credential_mode=mode)
    client = client_of(retail_pro.base_url, credential_mode=mode, **SECRETS)

    assert mode in client.check()
    assert client.post_invoice(order()).status == 200
    assert list(client.read_stock()) == [StockRow("SVA32", UPC, Decimal(-2))]


@pytest.mark.parametrize("mode", MODES[1:])
def test_a_wrong_secret_is_a_configuration_matter(
    mode: str, start_retail_pro: StartRetailPro, client_of: ClientOf
) -> None:
    """A refused secret makes no invoice, and the check says to mend the credential."""
    retail_pro = start_retail_pro(credential_mode=mode)
    wrong = SECRETS | {"password": "wrong", "token": "wrong", "api_key": "wrong"}
    client = client_of(retail_pro.base_url, credential_mode=mode, **wrong)

    exchange = client.post_invoice(order())

    assert exchange.status == 401 or exchange.configuration
    assert retail_pro.invoices() == []
    with pytest.raises(ConfigurationProblem, match="refused the credential"):
        client.check()


@pytest.mark.parametrize("mode", MODES[1:])
def test_a_missing_secret_is_named(mode: str) -> None:
    """The settings say which secret the chosen mode lacks."""
    with pytest.raises(ValidationError, match=f"credential_mode {mode} needs"):
        RetailProSettings(base_url="http://127.0.0.1:1", credential_mode=mode)


@pytest.mark.parametrize(
    ("base_url", "said"),
    [
        ("retailpro.example.com", "such as https://"),
        ("https://user:pass-word@retailpro.example.com", "without user"),
        ("https://retailpro.example.com:99999", "65535"),
        (f"https://{'retailpro.' * 24}example.com", "at most 255 characters"),
    ],
)
def test_a_base_url_that_cannot_be_used_is_refused(base_url: str, said: str) -> None:
    """A wrong address is refused with what was expected."""
    with pytest.raises(ValidationError, match=said):
        RetailProSettings(base_url=base_url)


def test_an_expired_session_is_renewed_once_for_all_threads(
    start_retail_pro: StartRetailPro, client_of: ClientOf
) -> None:
    """After the session ended, parallel orders log in once more between them and all are invoiced once."""
    retail_pro = start_retail_pro(credential_mode="prism_session")
    client = client_of(retail_pro.base_url, credential_mode="prism_session", **SECRETS)
    client.post_invoice(order("1"))
    retail_pro.retail_pro.door.expire_sessions()

    with ThreadPoolExecutor(4) as pool:
        statuses = set(pool.map(lambda n: client.post_invoice(order(str(n))).status, range(2, 12)))

    assert statuses == {200}
    assert sorted(int(invoice.order_no) for invoice in retail_pro.invoices()) == [*range(1, 12)]
    assert retail_pro.retail_pro.door.logins == 2


def test_the_seat_is_given_back(start_retail_pro: StartRetailPro) -> None:
    """Closing the client frees the licensed seat."""
    retail_pro = start_retail_pro(credential_mode="prism_session")
    settings = RetailProSettings(
        base_url=retail_pro.base_url, credential_mode="prism_session", **SECRETS
    )
    with RetailProClient(settings) as client:
        client.check()
        assert retail_pro.retail_pro.door.seats_taken == 1
    assert retail_pro.retail_pro.door.seats_taken == 0


def test_a_login_that_does_not_answer_sends_no_order(client_of: ClientOf) -> None:
    """Where the login hangs, the order is not sent and its bytes are not even asked for."""
    with scripted_server(OK, pause=0.05) as server:
        client = client_of(
            server.base_url, credential_mode="prism_session", deadline=0.3, **SECRETS
        )
        exchange = client.post_invoice(lambda: pytest.fail("nothing may be sent"))
        assert exchange.stage == "not_sent"
        assert not exchange.configuration
        assert not any(request.startswith(b"POST") for request in server.requests)


@pytest.mark.parametrize(
    ("nonce", "response"), [("0", "0"), ("123456789", "1645090"), ("1299987", "0")]
)
def test_the_answer_to_a_nonce_is_the_published_one(nonce: str, response: str) -> None:
    """A thirteenth of the nonce, modulo 99999, times seventeen."""
    assert nonce_response(nonce) == response


def test_an_unknown_certificate_is_a_configuration_matter(
    tmp_path: Path, client_of: ClientOf
) -> None:
    """A self-signed certificate stops the order before it is sent, until it is trusted by name."""
    tls = _self_signed(tmp_path)
    with scripted_server(OK, tls=tls) as server:
        exchange = client_of(server.base_url).post_invoice(order())
        assert (exchange.stage, exchange.configuration) == ("not_sent", True)
        assert "self-signed certificate" in str(exchange.problem)
        assert server.requests == []

        trusting = client_of(server.base_url, ca_file=str(tmp_path / "certificate.pem"))
        assert trusting.post_invoice(order()).status == 200
        careless = client_of(server.base_url, verify_tls=False)
        assert careless.post_invoice(order()).status == 200


@pytest.mark.parametrize("address", ["127.0.0.2", "0.0.0.0"])
def test_a_trusted_certificate_of_another_server_stops_the_order(
    address: str, tmp_path: Path, client_of: ClientOf
) -> None:
    """Who has a certificate of the same authority for another name gets neither order nor login."""
    with scripted_server(OK, tls=_self_signed(tmp_path, address)) as server:
        trusting = client_of(
            server.base_url,
            ca_file=str(tmp_path / "certificate.pem"),
            credential_mode="basic",
            **SECRETS,
        )
        exchange = trusting.post_invoice(order())

        assert (exchange.stage, exchange.configuration) == ("not_sent", True)
        assert "certificate is not valid for '127.0.0.1'" in str(exchange.problem)
        assert server.requests == []


def test_plain_http_behind_https_is_a_configuration_matter(
    retail_pro: RetailProStandIn, client_of: ClientOf
) -> None:
    """A server that does not speak TLS at all is told as a matter of settings."""
    client = client_of(retail_pro.base_url.replace("http:", "https:"))
    exchange = client.post_invoice(order())
    assert (exchange.stage, exchange.configuration) == ("not_sent", True)


def test_a_missing_ca_file_is_told_at_once(tmp_path: Path) -> None:
    """A CA file that is not there is named before any call."""
    settings = RetailProSettings(base_url="https://127.0.0.1:1", ca_file=str(tmp_path / "none.pem"))
    with pytest.raises(ConfigurationProblem, match=r"none\.pem"):
        RetailProClient(settings)


def test_no_secret_is_logged_or_told(
    start_retail_pro: StartRetailPro, client_of: ClientOf, caplog: pytest.LogCaptureFixture
) -> None:
    """With every logger wide open, neither logs nor texts show the password or the session."""
    for name in ("", "httpx", "httpcore", "httpcore.http11", "httpcore.connection"):
        caplog.set_level(logging.DEBUG, logger=name)
    retail_pro = start_retail_pro(credential_mode="prism_session")
    client = client_of(retail_pro.base_url, credential_mode="prism_session", **SECRETS)
    told = [repr(client.post_invoice(order("1"))), client.check()]
    retail_pro.program("drop")
    told.append(repr(client.post_invoice(order("2"))))
    wrong = client_of(
        retail_pro.base_url,
        credential_mode="prism_session",
        **SECRETS | {"user": "nobody"},
    )
    told.append(repr(wrong.post_invoice(order("3"))))
    with pytest.raises(ConfigurationProblem) as refused:
        wrong.check()
    told.append(str(refused.value))

    sessions = retail_pro.retail_pro.door.sessions
    assert len(sessions) == 1
    for secret in (PASSWORD, *sessions, "pwd="):
        assert secret not in caplog.text
        assert not any(secret in text for text in told)


def _self_signed(folder: Path, address: str = "127.0.0.1") -> ssl.SSLContext:
    """Make a server's TLS context with a certificate for an address that nobody has signed."""
    write_certificate(folder / "certificate.pem", address)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem")
    return context
