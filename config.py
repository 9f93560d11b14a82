"""What pyinfra reads before anything else: every run is watched from its beginning to its end."""

from roles import control, report, status

control.know_deploys()
control.allow_connections()
control.quiet_ssh()
control.stopping.heed()
report.begin()
status.begin()
