"""Hugging Face, asked by its own client."""

import tempfile
from pathlib import Path

import httpx2
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils.tqdm import disable_progress_bars

from roles.hub.listing import HubError, Listed, Listing


class HuggingFaceHub:
    """
    The hub, or a mirror that speaks as it does.

    :param endpoint: ``HF_ENDPOINT`` of the environment when not given, else the hub itself
    :param token: what it is shown; none is taken from the environment or from a login here, so
        that what can be pinned can be fetched
    """

    def __init__(self, endpoint: str | None, token: str | None) -> None:
        disable_progress_bars()
        # It would tell what it runs in, and ask the hub for names of it, which mirrors lack.
        constants.HF_HUB_DISABLE_TELEMETRY = True
        self._client = HfApi(endpoint=endpoint, token=token or False)
        self._token = token

    @property
    def endpoint(self) -> str:
        """See ``Hub``."""
        return str(self._client.endpoint)

    def listing(self, repo: str, revision: str) -> Listing:
        """See ``Hub``."""
        try:
            found = self._client.model_info(repo, revision=revision, files_metadata=True)
        except (HfHubHTTPError, httpx2.HTTPError, OSError) as error:
            raise HubError(self._said(repo, revision, error)) from error
        files = tuple(
            Listed(
                path=file.rfilename,
                size=file.size or 0,
                sha256=file.lfs.sha256 if file.lfs else None,
                blob=None if file.lfs else file.blob_id,
            )
            for file in found.siblings or ()
        )
        return Listing(commit=str(found.sha), files=files)

    def read(self, repo: str, commit: str, path: str) -> bytes:
        """See ``Hub``."""
        with tempfile.TemporaryDirectory() as folder:
            try:
                file = self._client.hf_hub_download(repo, path, revision=commit, local_dir=folder)
            except (HfHubHTTPError, httpx2.HTTPError, OSError) as error:
                raise HubError(f"{path} of {self._said(repo, commit, error)}") from error
            return Path(file).read_bytes()

    def _said(self, repo: str, revision: str, error: Exception) -> str:
        place = f"{repo}@{revision} at {self.endpoint}"
        shown = "the token may not read it" if self._token else "it is private and wants a token"
        match error:
            case GatedRepoError():
                return f"{place}: its terms have to be accepted by the token's owner, on its page"
            case RepositoryNotFoundError():
                return f"{place}: there is no such repository, or {shown}"
            case RevisionNotFoundError():
                return f"{place}: the repository has no such branch, tag or commit"
        return f"{place}: {str(error).strip().splitlines()[0] if str(error) else error!r}"
