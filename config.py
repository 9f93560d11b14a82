"""What pyinfra reads before anything else: every run is watched from its beginning to its end."""

from roles import control, report, status

control.know_deploys()
report.begin()
status.begin()
