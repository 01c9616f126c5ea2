"""Run a repository's automations on an agent-server, follow them to their end, and tell the truth about it."""

__version__ = "0.1.0"
