"""What pyinfra reads before anything else: every run is watched from its beginning to its end."""

from roles import control, probe, report, status

control.know_arguments()
control.know_deploys()
control.refuse_unknown()
control.allow_connections()
control.quiet_ssh()
control.stopping.heed()
probe.begin()
report.begin()
status.begin()
