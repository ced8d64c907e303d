"""Till transactions into orders, returns and inventory variances for the order store."""
