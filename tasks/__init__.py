"""Prefect tasks: one library call each, plus Prefect's policy. They hold no business rule."""
