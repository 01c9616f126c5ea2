"""How much room there is for what has to be written."""

import shutil
from pathlib import Path
from typing import Final

MIB: Final = 1024 * 1024
LEAST_FREE: Final = 512 * MIB
"""Bytes below which somebody has to do something."""
FULL: Final = 32 * MIB
"""Bytes below which the next commit may fail."""


def free_on(directory: Path) -> int:
    """Bytes that this user may still write there.

    Raises:
        OSError: that cannot be told.
    """
    return shutil.disk_usage(directory).free
