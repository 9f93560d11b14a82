"""What pyinfra reads before anything else: every run is watched from its beginning to its end."""

import sys

# pyinfra keeps nothing compiled of what is imported from here on: a sixth of a run over one host.
sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)

from roles import control  # noqa: E402

control.keep_memory()

from roles import probe, report, status  # noqa: E402

control.know_arguments()
control.know_connectors()
control.know_lines()
control.refuse_unknown()
control.allow_connections()
control.quicken_connections()
control.quiet_ssh()
control.run_match_exec()
control.stopping.heed()
probe.begin()
report.begin()
status.begin()
