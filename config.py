"""What pyinfra reads before anything else: every run is watched from its beginning to its end."""

from roles import report, status

report.begin()
status.begin()
