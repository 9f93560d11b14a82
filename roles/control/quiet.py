"""What libraries would say beside what an operator is told."""

import logging


def quiet_ssh() -> None:
    """
    Have paramiko say nothing itself: of each host that is silent it shows some twenty lines of
    traceback, without its name. pyinfra tells host and reason in one line.
    """
    logging.getLogger("paramiko").addHandler(logging.NullHandler())
