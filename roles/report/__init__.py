"""What each run did, kept on the control machine."""

from roles.report.kept import folder, newest
from roles.report.run import begin, inventory, limited, unreached

__all__ = ["begin", "folder", "inventory", "limited", "newest", "unreached"]
