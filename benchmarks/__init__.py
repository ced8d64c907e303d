"""What tillbridge costs, each time against a baseline of the same run; README.md says how to read it."""
