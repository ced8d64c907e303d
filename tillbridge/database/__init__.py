"""The SQL database: engine, tables and migrations; what the tables mean is said elsewhere."""
