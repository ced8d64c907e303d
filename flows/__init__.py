"""Prefect flows: one file, one flow, one deployment of the same name."""
