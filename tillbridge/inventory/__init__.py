"""Stock: what the order store has, what Retail Pro has, and why the two differ."""
