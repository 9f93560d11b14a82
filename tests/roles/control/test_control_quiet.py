"""Hosts that are silent are told of in a line each."""

import subprocess
import sys

_FAILS = """
import logging
logging.getLogger("paramiko.transport").error("Exception (client): a traceback")
print("told")
"""


def test_paramiko_says_nothing() -> None:
    quiet = "from roles import control\ncontrol.quiet_ssh()" + _FAILS
    for program, said in ((_FAILS, "Exception (client): a traceback\n"), (quiet, "")):
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert (ran.stdout, ran.stderr) == ("told\n", said)
