"""Hostile input for everything that reads or writes foreign content."""
