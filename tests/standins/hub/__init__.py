"""
Both hubs on this machine, as strict as they are: what their own clients ask, and nothing else.

After what huggingface_hub 2.4.0 and modelscope-hub 0.5.1 send and accept; never held against the
hubs themselves.
"""

from tests.standins.hub.hub import Hub
from tests.standins.hub.mischief import Mischief
from tests.standins.hub.repository import Repository

__all__ = ["Hub", "Mischief", "Repository"]
