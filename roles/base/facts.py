"""What a host knows of accounts."""

from pyinfra.api import FactBase, StringCommand


class Accounts(FactBase[list[str]]):
    """Which of these users and groups there are; pyinfra's own fact asks of every user there is."""

    default = list

    def command(self, users: list[str], groups: list[str]) -> StringCommand:
        """See ``FactBase``."""
        words: list[str] = []
        for kind, names in (("passwd", users), ("group", groups)):
            # Without a name it tells all that there are.
            words += ["getent", kind, *names, ";"] if names else []
        return StringCommand(*words, "true")

    def process(self, output: list[str]) -> list[str]:
        """See ``FactBase``."""
        return [line.partition(":")[0] for line in output]
