"""What a fetch is told of each source, and what it shows there; the first is in its plan."""

from collections.abc import Iterable
from typing import assert_never

from roles import instance as secrets_of
from roles import paths
from roles.spec import (
    Bundle,
    Folder,
    HostFolder,
    HttpFolder,
    HuggingFace,
    ModelScope,
    Rsync,
    Source,
)


def planned(source: Source, *, part: str, incoming: str) -> dict[str, str]:
    """
    Return a source as hosts know it: a folder there, a URL that paths are appended to, or a depot.

    :param part: of a bundle that the files lie in
    :param incoming: where the files of the control machine arrive on the host
    """
    match source:
        case Folder(path=path):
            return {"name": f"{path} of the control machine", "folder": incoming}
        case HostFolder(path=path):
            return {"name": path, "folder": path}
        case Bundle(path=path, url=url):
            place = str(path or url).rstrip("/")
            below = paths.bundled(place, part)
            at = {"folder": below} if path else {"url": f"{below}/"}
            return {"name": f"the bundle {place}", **at}
        case HttpFolder(url=url):
            return {"name": url, "url": f"{url.rstrip('/')}/"}
        case Rsync():
            known = source.model_dump(include={"host", "user", "path", "host_key"})
            name = f"rsync {source.user}@{source.host}:{source.path}"
            return known | {"name": name, "port": str(source.port)}
        case HuggingFace(repo=repo, revision=commit):
            below = f"{source.endpoint.rstrip('/')}/{repo}/resolve/{commit}/"
            return {"name": f"Hugging Face {repo} {commit[:12]}", "url": below}
        case ModelScope(repo=repo, revision=commit):
            below = f"{source.endpoint.rstrip('/')}/api/v1/models/{repo}/repo"
            return {
                "name": f"ModelScope {repo} {commit[:12]}",
                "url": f"{below}?Revision={commit}&FilePath=",
            }
        case _:
            assert_never(source)


def gathered(
    given: Iterable[Source], *, part: str
) -> tuple[list[dict[str, str]], dict[str, dict[str, str]]]:
    """
    Return sources as the control machine itself asks them for a bundle, and by their numbers what
    shows who asks.

    :param part: of the bundle that the files come to
    :raises SecretError: a token or key is not to be had
    """
    # A bundle is no source of itself.
    asked = [source for source in given if not isinstance(source, Bundle)]
    plans = [
        planned(
            source,
            part=part,
            incoming=str(source.path.absolute()) if isinstance(source, Folder) else "",
        )
        for source in asked
    ]
    return plans, {str(n): one for n, source in enumerate(asked) if (one := shown(source))}


def shown(source: Source) -> dict[str, str]:
    """
    Return what shows who asks: headers for a hub, a key for a depot, nothing for an open source.

    :raises SecretError: it is not to be had on the control machine
    """
    if isinstance(source, Rsync):
        return {"key": secrets_of.private_key(source.key)} if source.key else {}
    if not isinstance(source, HuggingFace | ModelScope) or not source.token:
        return {}
    token = secrets_of.resolve(source.token)
    headers = {"Authorization": f"Bearer {token}"}
    # ModelScope's own client sends both: its older paths know the cookie only.
    return headers | ({"Cookie": f"m_session_id={token}"} if isinstance(source, ModelScope) else {})
