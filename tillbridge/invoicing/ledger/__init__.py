"""The invoice ledger: the one place that knows whether an order was invoiced, and the only SQL here.

`orders` accepts and counts orders, `attempts` sends them through their states, `events` is their log,
`files` remembers what was taken, `failures` what has to be reported, `responses` which answers still have
to be stored, `sendings` which ledger this is and how far it came, `restores` that it has forgotten something.
"""
