"""What goes into a column and comes out again: text that every database takes, and content, compressed. Pure."""

import re
import zlib
from typing import Final

_UNFIT: Final = re.compile("[\ud800-\udfff\0]")


def fit[T](value: T) -> T:
    """The same with question marks for what no database takes as text: half characters and NUL."""
    if isinstance(value, str):
        return _UNFIT.sub("?", value)  # type: ignore[return-value]
    if isinstance(value, dict):
        return {fit(key): fit(each) for key, each in value.items()}  # type: ignore[return-value]
    if isinstance(value, list | tuple):
        return [fit(each) for each in value]  # type: ignore[return-value]
    return value


def packed(content: bytes) -> bytes:
    """Compressed, quickly rather than well."""
    return zlib.compress(content, 1)


def unpacked(content: bytes) -> bytes:
    return zlib.decompress(content)
