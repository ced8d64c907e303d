"""Everything a brand decides: about its invoices, and about what its tills send."""

from tillbridge.profile.product_store import Profile, StoreCodes
from tillbridge.profile.tills import LineRule, SequenceRule, TillSettings

__all__ = ["LineRule", "Profile", "SequenceRule", "StoreCodes", "TillSettings"]
