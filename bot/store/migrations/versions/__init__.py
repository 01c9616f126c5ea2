"""The steps; the newest is the one that no other follows."""
