"""Secrets leave nothing of themselves in what is written. Pure."""

from automation.redaction.redactor import MASK, RedactingStream, Redactor

__all__ = ["MASK", "RedactingStream", "Redactor"]
