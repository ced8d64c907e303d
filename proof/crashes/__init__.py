"""Workers that are killed, stopped or woken too late, and the oracle that looks at what is left."""
