"""What pyinfra reads before anything else: every run of a deploy leaves a report."""

from roles import report

report.begin()
