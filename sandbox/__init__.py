"""Stand-ins for the far ends, for the demo, the tests and the docs. Not part of the product."""
