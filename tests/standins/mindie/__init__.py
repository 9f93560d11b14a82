"""MindIE's server as far as it can be told from outside: what it ships, reads and answers."""
