"""What looks after a release: its wheel, what it is made of, and what is known against that."""
