"""The protocol as a model: every design that could be chosen, in every state it can come to."""
