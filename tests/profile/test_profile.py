"""The profile of a product store: sound defaults, and settings that are refused with a reason."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tests.strategies import PROFILE, profile
from tillbridge.profile import Profile, StoreCodes


def test_two_names_are_enough() -> None:
    """Everything else has the documented default."""
    plain = Profile(product_store_id="CASA_STORE", brand="Casa")
    assert plain.invoicing_location == "last"
    assert plain.request_version == 2
    assert plain.delivery_types == {"STOREPICKUP": 1}
    assert plain.amount_mismatch == "quarantine"
    assert plain.mixed_delivery_type == "quarantine"
    assert plain.missing_payment_type == "quarantine"
    assert plain.fiscal_credit_form == "text"
    assert "POS_CHANNEL" in plain.excluded_channels
    assert plain.completed_orders_folder == "hotwax/completed-orders"
    assert plain.order_to_invoice_folder == "retail-pro/order-to-invoice"


def test_a_profile_survives_being_stored() -> None:
    """What the block saves is what the run reads."""
    stored = profile(stores={"1": {"invoicing_store": "PTL01", "store": "L01"}})
    assert Profile.model_validate_json(stored.model_dump_json()) == stored


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("product_store_id", "", "at least 1"),
        ("product_store_id", "x" * 61, "at most 60"),
        ("brand", "", "at least 1"),
        ("time_zone", "Lisbon", "no IANA time zone"),
        ("time_zone", "", "no IANA time zone"),
        ("time_zone", "../etc/passwd", "no IANA time zone"),
        ("time_zone", "/etc/localtime", "no IANA time zone"),
        ("currency", "eur", "pattern"),
        ("request_version", 3, "1 or 2"),
        ("order_number_strip", "(", "no regular expression"),
        ("invoicing_location", "middle", "'last' or 'first'"),
        ("delivery_types", {"STOREPICKUP": 3}, "1 or 2"),
        ("mixed_delivery_type", 3, "quarantine"),
        ("upc_sources", [], "at least 1"),
        ("missing_fields", {"City": "x"}, "Email"),
        ("stores", {"1": {"invoicing_store": "TOOLONG", "store": "1"}}, "at most 5"),
        ("stores", {"1": {"invoicing_store": "1", "store": ""}}, "at least 1"),
        ("completed_orders_folder", "/abs", "below the root"),
        ("completed_orders_folder", "", "below the root"),
        ("order_to_invoice_folder", "a/../../b", "below the root"),
        ("order_to_invoice_folder", "hotwax/completed-orders/", "must differ"),
        ("largest_file_megabytes", 0, "greater than or equal to 1"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(setting: str, value: Any, words: str) -> None:
    """The person who edits the form reads what was expected."""
    with pytest.raises(ValidationError, match=words):
        profile(**{setting: value})


def test_a_folder_has_one_spelling() -> None:
    """A slash at the end does not make another folder."""
    assert profile(completed_orders_folder="feeds/").completed_orders_folder == "feeds"


def test_every_setting_says_what_it_is() -> None:
    """The form in the UI has no field without a description."""
    for model in (Profile, StoreCodes):
        assert all(field.description for field in model.model_fields.values())
    assert PROFILE.brand == "Casa"
