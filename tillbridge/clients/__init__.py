"""The doors to the outside: one module per far end, each with one third-party library behind it."""
