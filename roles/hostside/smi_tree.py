"""
``nvidia-smi -q -x`` and ``nvidia-smi -q`` as trees of one shape, whole or cut short.

Labels of the text become tags: ``FB Memory Usage`` is ``fb_memory_usage``. What the end of the
input leaves open is marked ``open``: a list there may have had more, a value there is dropped.
"""

from __future__ import annotations

import re
from typing import Any, List, Tuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

OPEN = "open"
_ROOT = "nvidia_smi_log"
_LOG = re.compile(r"^=+NVSMI LOG=+\s*$", re.M)
_GPU = re.compile(r"GPU ([0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-7])")
_PAIR = re.compile(r"(\S.*?)\s*:(?:\s+(.*))?")


def read(text: str) -> Element | None:
    """Return the newest output in a text, ``None`` when there is none."""
    begins = text.rfind("<{}>".format(_ROOT))
    if begins >= 0:
        return _of_xml(text[begins:])
    logs = list(_LOG.finditer(text))
    return _of_text(text[logs[-1].end() :]) if logs else None


def _of_xml(text: str) -> Element:
    """Return the tree of XML, as far as it goes."""
    parser: Any = ElementTree.XMLPullParser(("start", "end"))
    whole, ended, _ = text.partition("</{}>".format(_ROOT))
    try:
        parser.feed(whole + ended)
        parser.close()
    except ElementTree.ParseError:
        pass
    opened: List[Element] = []
    root = Element(_ROOT)
    try:
        for event, element in parser.read_events():
            if event == "end":
                opened.pop()
                continue
            root = opened[0] if opened else element
            opened.append(element)
    except ElementTree.ParseError:
        pass
    for element in opened:
        element.set(OPEN, "")
        element.text = None
    return root


def _of_text(text: str) -> Element:
    """Return the tree of text, by its indentation, up to a line that nvidia-smi does not print."""
    root = Element(_ROOT)
    opened: List[Tuple[int, Element]] = [(-1, root)]
    # What has no end may be the half of a number.
    for line in text.split("\n")[:-1]:
        indent, said = len(line) - len(line.lstrip()), line.strip()
        if not said:
            del opened[1:]
            continue
        element = _element(said)
        late = element.text is None or root.find("gpu") is not None
        if not indent and element.tag != "gpu" and late:
            del opened[1:]
            break
        while opened[-1][0] >= indent:
            opened.pop()
        opened[-1][1].append(element)
        opened.append((indent, element))
    for _, element in opened[1:]:
        if element.text is None:
            element.set(OPEN, "")
    return root


def _element(said: str) -> Element:
    gpu = _GPU.fullmatch(said)
    if gpu:
        return Element("gpu", {"id": gpu.group(1)})
    pair = _PAIR.fullmatch(said)
    element = Element(re.sub(r"[^a-z0-9]+", "_", (pair.group(1) if pair else said).lower()))
    element.text = (pair.group(2) or "").strip() if pair else None
    return element
