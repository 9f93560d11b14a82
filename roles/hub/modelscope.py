"""ModelScope, asked by its own client: modelscope-hub, which modelscope itself is a shim over."""

import re
import tempfile
from pathlib import Path
from typing import Any

from modelscope_hub import HubApi
from modelscope_hub.errors import AuthenticationError, NotExistError
from modelscope_hub.errors import HubError as ClientError

from roles.hub.listing import HubError, Listed, Listing

_COMMIT = r"[0-9a-f]{40}"


class ModelScopeHub:
    """
    The hub.

    :param endpoint: ``MODELSCOPE_ENDPOINT`` of the environment when not given, else the hub itself
    :param token: as for ``HuggingFaceHub``
    """

    def __init__(self, endpoint: str | None, token: str | None) -> None:
        self._client = HubApi(endpoint=endpoint, token=token or "")
        self._token = token

    @property
    def endpoint(self) -> str:
        """See ``Hub``."""
        return str(self._client.legacy.endpoint)

    def listing(self, repo: str, revision: str) -> Listing:
        """
        See ``Hub``. The hub does not say which commit a branch is at, but which commit changed
        each file last: the newest of those is the one, if its files are those of the branch.
        """
        found = self._files(repo, revision)
        commit = revision if re.fullmatch(_COMMIT, revision) else _newest(found)
        files = _listed(found)
        if commit != revision and _listed(self._files(repo, commit)) != files:
            raise HubError(
                f"{repo}@{revision} at {self.endpoint}: the hub does not tell its commit, and "
                f"{commit}, which changed a file last, has other files; give the commit itself, "
                "from the list of commits on its page"
            )
        return Listing(commit=commit, files=files)

    def read(self, repo: str, commit: str, path: str) -> bytes:
        """See ``Hub``."""
        with tempfile.TemporaryDirectory() as folder:
            try:
                file = self._client.download_file(
                    repo, "model", path, revision=commit, local_dir=folder
                )
            except (ClientError, OSError) as error:
                raise HubError(f"{path} of {self._said(repo, commit, error)}") from error
            return Path(file).read_bytes()

    def _files(self, repo: str, revision: str) -> list[dict[str, Any]]:
        try:
            found = self._client.legacy.list_repo_files(repo, "model", revision=revision)
        except (ClientError, OSError) as error:
            raise HubError(self._said(repo, revision, error)) from error
        return [file for file in found if file.get("Type") != "tree"]

    def _said(self, repo: str, revision: str, error: Exception) -> str:
        place = f"{repo}@{revision} at {self.endpoint}"
        shown = "the token may not read it" if self._token else "it is private and wants a token"
        if isinstance(error, NotExistError | AuthenticationError):
            return f"{place}: there is no such repository or revision, or {shown}"
        return f"{place}: {str(error).strip().splitlines()[0] if str(error) else error!r}"


def _listed(found: list[dict[str, Any]]) -> tuple[Listed, ...]:
    return tuple(
        Listed(path=str(file["Path"]), size=int(file["Size"]), sha256=file.get("Sha256") or None)
        for file in found
    )


def _newest(found: list[dict[str, Any]]) -> str:
    dated = [(file.get("CommittedDate") or 0, str(file.get("Revision"))) for file in found]
    return max(dated, default=(0, ""))[1]
