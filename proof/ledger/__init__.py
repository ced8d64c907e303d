"""The real ledger on a real database, driven through any order of what can happen to it."""
