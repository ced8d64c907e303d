"""The proof of the promise: protocol model, crash points, soak and planted bugs, and what they came to.

Each part runs at a small size with the tests and at full size with `make soak`; both write JSON to
`proof/results/`, from which `docs/reliability.md` is made.
"""
