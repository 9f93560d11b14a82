"""What a host has of its distribution."""

from pyinfra.api import FactBase, QuoteString, StringCommand


class InstalledPackages(FactBase[list[str]]):
    """Which of these packages are installed; pyinfra's own fact lists every one there is."""

    default = list

    def command(self, packages: list[str]) -> StringCommand:
        """See ``FactBase``."""
        asked = (
            "dpkg-query",
            "--show",
            "--showformat",
            QuoteString("${db:Status-Status} ${Package}\\n"),
        )
        # It fails where it does not know one.
        return StringCommand(*asked, *map(QuoteString, packages), "2>/dev/null", "||", "true")

    def process(self, output: list[str]) -> list[str]:
        """See ``FactBase``."""
        told = [line.partition(" ") for line in output]
        return [package for state, _, package in told if state == "installed"]
