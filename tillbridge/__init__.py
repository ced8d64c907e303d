"""The library behind the flows: contracts, rules, ledger and clients. It never imports Prefect."""
