"""
Stand-in of nvidia-installer, as drivers of 2025 have it.

It refuses what the real one refuses, in that order and in those words, and leaves on the disk
what matters: library, tools, the kernel's part and a list of them.
"""
