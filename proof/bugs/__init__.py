"""Bugs planted into the source, so that the tests prove that they would notice."""
