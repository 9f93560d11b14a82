"""Nothing may be skipped where ``CI=true`` says that everything can be run."""

import os

import pytest


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that skipped."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if reporter and skipped and os.environ.get("CI") == "true":
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line(f"{len(skipped)} skipped, which CI=true does not allow", red=True)
