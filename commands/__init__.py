"""The `tillbridge` command: what an engineer does once, before Prefect takes over."""
