"""
On a lab host: a script of ours stands still where a trial wishes it to.

Every Python of the host imports this at its start (``fault_pause.pth``). The wish, a file with the
name of a step, goes when somebody has come there; ``at`` tells that, and ``go`` lets it go on.
"""

from __future__ import annotations

import pathlib
import sys
import time

FOLDER = pathlib.Path("/root/faults")
_SCRIPTS = ("activate.py", "recovery.py", "stage.py", "install.py", "fetch.py")


def stand(name: str) -> None:
    """Stand still if that is wished for here."""
    try:
        if (FOLDER / "wish").read_text() != name:
            return
    except OSError:
        return
    try:
        (FOLDER / "wish").unlink()
    except FileNotFoundError:
        # Another thread was quicker, which stands still.
        return
    (FOLDER / "at").write_text(name)
    while not (FOLDER / "go").exists():
        time.sleep(0.02)


def _in_transactions() -> None:
    import transaction

    journal = transaction.Transaction.step

    def step(self: transaction.Transaction, name: str) -> None:
        journal(self, name)
        stand(name)

    transaction.Transaction.step = step  # type: ignore[method-assign]


def _in_staging() -> None:
    import durable
    import receipts

    write, leave = durable.write, receipts.write

    def written(path: str, text: str, mode: int = 0o644) -> None:
        if "/releases/" in path:
            stand("stage: files")
        write(path, text, mode)

    def left(*told: object) -> None:
        stand("stage: receipt")
        leave(*told)  # type: ignore[arg-type]

    durable.write, receipts.write = written, left  # type: ignore[assignment]


def _in_installing() -> None:
    import filling

    run = filling.run

    def ran(*words: object, **how: object) -> object:
        stand("install")
        return run(*words, **how)  # type: ignore[arg-type]

    filling.run = ran  # type: ignore[assignment]


def _in_fetching() -> None:
    import partial
    import revisions

    finish = partial.Partial.finish

    def finished(self: partial.Partial) -> None:
        stand("fetch")
        finish(self)

    partial.Partial.finish = finished  # type: ignore[method-assign]
    # Else nothing is fetched: another revision has the files.
    revisions.share = lambda *_: False


def install() -> None:
    """Be there for a script that is about to run."""
    words = sys.orig_argv
    script = pathlib.Path(words[1]) if len(words) > 1 else pathlib.Path()
    if script.name not in _SCRIPTS or not (FOLDER / "wish").exists():
        return
    sys.path.insert(0, str(script.resolve().parent))
    prepare = {"stage.py": _in_staging, "install.py": _in_installing, "fetch.py": _in_fetching}
    prepare.get(script.name, _in_transactions)()


install()
