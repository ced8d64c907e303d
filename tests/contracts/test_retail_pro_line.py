"""What goes over the line to Retail Pro is encrypted and verified, or everybody is told."""

from __future__ import annotations

import logging

import pytest
from prefect_email import EmailServerCredentials

from blocks import MailNotification, RetailPro
from tests.fixtures_retail_pro import SECRETS
from tillbridge.clients.retail_pro import RetailProClient, RetailProSettings
from tillbridge.errors import ConfigurationProblem

MODES = ["basic", "bearer", "api_key_header", "prism_session"]
FAR, NEAR = (
    "http://retailpro.brand.example",
    ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1"],
)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("url", [FAR, "http://192.0.2.7:8080", "http://127.0.0.1.brand.example"])
def test_no_credential_goes_in_clear_to_another_machine(mode: str, url: str) -> None:
    """A run is refused before anything is sent, with the address and the way out, until it is allowed."""
    settings = RetailProSettings(base_url=url, credential_mode=mode, **SECRETS)
    with pytest.raises(
        ConfigurationProblem, match=r"not encrypted.*Use https://, or set allow_clear"
    ) as told:
        RetailProClient(settings)
    assert url in str(told.value)
    assert not any(secret in str(told.value) for secret in SECRETS.values())

    RetailProClient(settings.model_copy(update={"allow_clear_text": True})).close()


@pytest.mark.parametrize("url", [*NEAR, "https://retailpro.brand.example"])
@pytest.mark.parametrize("mode", MODES)
def test_this_machine_and_encryption_need_no_leave(mode: str, url: str) -> None:
    """Nothing is refused or told where nobody can listen."""
    settings = RetailProSettings(base_url=url, credential_mode=mode, **SECRETS)
    assert settings.cautions == ()
    RetailProClient(settings).close()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"base_url": FAR}, "is not encrypted"),
        ({"base_url": "https://retailpro.brand.example", "verify_tls": False}, "NOT verified"),
    ],
)
def test_each_run_says_what_its_line_lacks(
    settings: dict[str, object], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever hands out a client logs it where the run logs."""
    logging.getLogger("prefect").addHandler(caplog.handler)
    try:
        RetailPro(**settings).get_client().close()
    finally:
        logging.getLogger("prefect").removeHandler(caplog.handler)
    told = {(record.levelname, record.message) for record in caplog.records}
    assert [(level, said in message) for level, message in told] == [("WARNING", True)]


def test_an_unverified_mail_server_is_told() -> None:
    """The same for mail."""
    block = MailNotification(
        credentials=EmailServerCredentials(smtp_server="mail.brand.example", verify=False),
        sender="tillbridge@brand.example",
        recipients=["finance@brand.example"],
    )
    [caution] = block.server().cautions
    assert "mail.brand.example:465 is NOT verified" in caution
