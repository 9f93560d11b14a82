"""Stand-in of the package of MindIE's server; what it is made of lies in ``lib``."""
