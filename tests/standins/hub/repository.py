"""A repository of a hub: commits, branches, who may read it."""

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache

_LFS = (".safetensors", "tokenizer.json")


@dataclass
class Repository:
    """One repository. A commit is every file of it; what is large lies in the hub's store."""

    name: str
    tokens: tuple[str, ...] = ()
    gated: bool = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)

    def commit(self, files: dict[str, bytes], branch: str = "main") -> str:
        """Move a branch to a new commit of these files; return it."""
        told = repr((len(self.commits), sorted(files))).encode()
        commit = hashlib.sha1(told + self.name.encode()).hexdigest()  # noqa: S324
        self.commits[commit] = dict(files)
        self.branches[branch] = commit
        return commit

    def resolve(self, revision: str) -> str | None:
        """Return the commit that a branch or a commit names."""
        commit = self.branches.get(revision, revision)
        return commit if commit in self.commits else None

    def changed(self, commit: str, path: str) -> str:
        """Return the commit that changed a file last, as of a commit."""
        history = list(self.commits)
        history = history[: history.index(commit) + 1]
        found = history[-1]
        for older in reversed(history):
            if self.commits[older].get(path) != self.commits[commit][path]:
                break
            found = older
        return found

    def when(self, commit: str) -> int:
        """Return when a commit was made, in seconds of the epoch."""
        return 1_790_000_000 + 60 * list(self.commits).index(commit)


def large(path: str) -> bool:
    """Say whether a file lies in the store."""
    return path.endswith(_LFS)


def blob(content: bytes) -> str:
    """Return git's name of a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()  # noqa: S324


@lru_cache(maxsize=32)
def sha256(content: bytes) -> str:
    """Return the sha256 of a file's content."""
    return hashlib.sha256(content).hexdigest()
