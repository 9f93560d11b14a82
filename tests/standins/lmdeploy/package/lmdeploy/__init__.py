"""Stand-in of LMDeploy: it refuses what LMDeploy refuses and answers from a table."""

from importlib.metadata import version

__version__ = version("lmdeploy")
