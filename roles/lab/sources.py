"""What this machine's apt asks, and which hosts packages come from."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from roles.lab.command import LabError

_URL = re.compile(r"""https?://[^\s"'<>]+""")


@dataclass(frozen=True, kw_only=True)
class Source:
    """One suite of one package archive."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str = ""

    def line(self) -> str:
        option = f"[signed-by={self.signed_by}] " if self.signed_by else ""
        return f"deb {option}{self.uri} {self.suite} {' '.join(self.components)}"


def parse_list(text: str) -> list[Source]:
    """Read the one-line format, ``deb [options] uri suite component…``."""
    sources = []
    for line in text.splitlines():
        found = re.match(r"deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)", line.strip())
        if found:
            options, uri, suite, components = found.groups()
            key = re.search(r"signed-by=(\S+)", options or "")
            sources.append(
                Source(
                    uri=uri,
                    suite=suite,
                    components=tuple(components.split()),
                    signed_by=key.group(1) if key else "",
                )
            )
    return sources


def parse_deb822(text: str) -> list[Source]:
    """Read the paragraph format, one ``Key: value`` a line."""
    sources = []
    for paragraph in re.split(r"\n\s*\n", text):
        fields = {}
        for line in paragraph.splitlines():
            # A continued line holds a key in full; apt finds its own keys without it.
            if not line.startswith(("#", " ", "\t")) and ":" in line:
                name, _, value = line.partition(":")
                fields[name.strip().lower()] = value.strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled") == "no":
            continue
        key = fields.get("signed-by", "")
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                sources.append(
                    Source(
                        uri=uri,
                        suite=suite,
                        components=tuple(fields.get("components", "").split()),
                        signed_by=key if key.startswith("/") else "",
                    )
                )
    return sources


def read(folder: Path = Path("/etc/apt")) -> list[Source]:
    """Every source this machine's apt is set to ask."""
    sources = []
    for path in [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*.list"))]:
        if path.is_file():
            sources += parse_list(path.read_text())
    for path in sorted((folder / "sources.list.d").glob("*.sources")):
        sources += parse_deb822(path.read_text())
    return [replace(source, uri=uri) for source in sources for uri in _servers(source.uri)]


def _servers(uri: str) -> list[str]:
    if uri.startswith("mirror+file:"):
        # A list of mirrors on disk, as machines in clouds have; the first is the preferred one.
        return _URL.findall(Path(uri.removeprefix("mirror+file:")).read_text())[:1]
    return [uri] if uri.startswith(("http:", "https:")) else []


def codename(release: Path = Path("/etc/os-release")) -> str:
    """Name of the distribution release this machine runs."""
    if not release.is_file():
        return ""
    found = re.search(r"^VERSION_CODENAME=\"?(\w+)", release.read_text(), re.MULTILINE)
    return found.group(1) if found else ""


def of_release(sources: Iterable[Source], release: str) -> list[Source]:
    """Pick the sources of one release, its updates and its security fixes; the release first."""
    suites = [release, f"{release}-updates", f"{release}-security"]
    chosen = [s for s in sources if s.suite in suites and "main" in s.components]
    if not any(source.suite == release for source in chosen):
        raise LabError(
            f"/etc/apt: no source offers {release or 'a release'} main over the network, "
            "the lab's image is made from this machine's own sources"
        )
    return sorted(chosen, key=lambda source: suites.index(source.suite))


def package_hosts(lock: str, sources: Iterable[Source]) -> list[str]:
    """Name the hosts a lab host may reach: those of a package lock and those of apt."""
    urls = [*_URL.findall(lock), *(source.uri for source in sources)]
    return sorted({name for url in urls if (name := urlsplit(url).hostname)})
