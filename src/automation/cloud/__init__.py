"""OpenHands' sandboxes API, of the Cloud or of a self-hosted app server: make a sandbox, find it, delete it."""

from automation.cloud.account import CloudAccount, CloudAuth, account_of
from automation.cloud.client import Cloud
from automation.cloud.errors import CloudRefuses, CloudUnavailable, SandboxFailed, SandboxLimit
from automation.cloud.sandbox import Sandbox, SandboxStatus

__all__ = [
    "Cloud",
    "CloudAccount",
    "CloudAuth",
    "CloudRefuses",
    "CloudUnavailable",
    "Sandbox",
    "SandboxFailed",
    "SandboxLimit",
    "SandboxStatus",
    "account_of",
]
