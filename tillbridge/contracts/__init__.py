"""The shape of every file and message at the border, one module per document."""
