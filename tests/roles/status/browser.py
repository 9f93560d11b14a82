"""A real browser without a window, and what it finds in a page."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.roles.status.seen import Seen

# What it is called, and the distribution's package that brings it.
PROGRAM = {"chromium": "chromium"}

# A screen, and a window that holds it: the browser makes none as narrow as a phone's.
HEIGHT = 900
_WINDOW = (1300, 1000)
_POLICY = "style-src 'unsafe-inline'"
# Runs in a copy of the page that allows it, and nothing else that the page itself does not.
_ASK = """\
<script>
const found = { refused: 0 };
document.addEventListener("securitypolicyviolation", () => { found.refused += 1; });
const wide = () => document.documentElement.scrollWidth;
const shown = (element) => element.checkVisibility();
addEventListener("load", () => {
  const all = [...document.querySelectorAll("details")];
  found.width = innerWidth;
  found.scrolls = wide();
  found.height = document.documentElement.scrollHeight;
  found.dark = matchMedia("(prefers-color-scheme: dark)").matches;
  found.ground = getComputedStyle(document.body).backgroundColor;
  found.asked = performance.getEntriesByType("resource").map((one) => one.name);
  found.cards = document.querySelectorAll(".host").length;
  found.shown = [...document.querySelectorAll(".host")].filter(shown)
    .map((one) => one.dataset.state);
  found.first = document.querySelector(".host summary b").getBoundingClientRect().top;
  found.small = [...document.querySelectorAll("body *")].filter(shown)
    .map((one) => parseFloat(getComputedStyle(one).fontSize)).reduce((a, b) => Math.min(a, b));
  all.forEach((one) => { one.open = true; });
  found.opened = wide();
  found.cut = [...document.querySelectorAll("body *")].filter(shown)
    .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
    .map((one) => one.outerHTML.slice(0, 80));
  parent.postMessage(JSON.stringify(found), "*");
});
</script>
</head>"""

_FRAME = """\
<!DOCTYPE html>
<html><head><style>:root {{ color-scheme: light dark; }}</style></head><body>
<script>addEventListener("message", (told) => {{
  document.documentElement.dataset.found = told.data;
}});</script>
<iframe src="page.html" style="border: 0; width: {width}px; height: {height}px"></iframe>
</body></html>
"""


def look(page: str, folder: Path, *, width: int, dark: bool) -> dict[str, Any]:
    """Return what a page is like in a window of a width, first as it comes, then all unfolded."""
    assert page.count(_POLICY) == page.count("</head>") == 1
    asking = page.replace(_POLICY, f"{_POLICY}; script-src 'unsafe-inline'")
    (folder / "page.html").write_text(asking.replace("</head>", _ASK))
    frame = folder / "frame.html"
    frame.write_text(_FRAME.format(width=width, height=HEIGHT))
    done = subprocess.run(
        [
            *PROGRAM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            f"--user-data-dir={folder / 'profile'}", "--window-size={},{}".format(*_WINDOW),
            f"--blink-settings=preferredColorScheme={0 if dark else 1}",
            "--virtual-time-budget=10000", "--dump-dom", frame.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (root, *_) = Seen(done.stdout).having("data-found") or [{"data-found": None}]
    assert root["data-found"], done.stderr
    found: dict[str, Any] = json.loads(root["data-found"])
    return found
