"""The embedded order store, for a retailer without a HotWax of his own: orders, stock and the feed."""
