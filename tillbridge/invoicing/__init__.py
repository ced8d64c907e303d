"""Completed orders to invoices: mapping, ledger, what an answer proves, report."""
