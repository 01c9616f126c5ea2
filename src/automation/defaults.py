"""Figures that hold where nobody gives others. Pure."""

OUTPUT_LIMIT = 256 * 1024 * 1024
"""Bytes of output after which a run is ended."""

PATIENCE = 120.0
"""Seconds that a lost server is borne."""
