"""Orders that are held back, looked at again before a run sends anything."""

from __future__ import annotations

from sqlalchemy import Engine

from tillbridge.invoicing.ledger import look_alikes, two_numbers
from tillbridge.profile import Profile


def review_held(engine: Engine, profile: Profile, who: str) -> None:
    """Let go what the profile allows by now, and hold what may not go under its number."""
    store = profile.product_store_id
    if profile.look_alike_numbers == "allow":
        look_alikes.release_numbers(engine, store, who)
    two_numbers.hold_what_may_not_go(engine, store, who)
