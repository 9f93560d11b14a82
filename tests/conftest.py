"""Nothing may be skipped where ``CI=true`` says that everything can be run; figures are shown."""

import os
from collections.abc import Iterator

import pytest

MEASURED = "measured"


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Lines to show whatever pytest captures, and whichever process runs the test."""
    lines: list[str] = []
    yield lines
    request.node.user_properties += [(MEASURED, line) for line in lines]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the figures of all tests, each of which the last report of its test has."""
    for report in [one for reports in terminalreporter.stats.values() for one in reports]:
        if getattr(report, "when", None) == "teardown":
            for name, value in report.user_properties:
                if name == MEASURED:
                    terminalreporter.write_line(f"  {MEASURED}: {value}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that skipped."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if reporter and skipped and os.environ.get("CI") == "true":
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line(f"{len(skipped)} skipped, which CI=true does not allow", red=True)
