"""What each run did, kept on the control machine."""

from roles.report.kept import folder, newest
from roles.report.run import begin, unreached

__all__ = ["begin", "folder", "newest", "unreached"]
