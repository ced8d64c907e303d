"""Files over a real OpenSSH that is killed, cut, full or refuses, and what readers see meanwhile."""
