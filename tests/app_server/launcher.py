"""OpenHands' app server with process sandboxes, as an ASGI application; runs in the environment that is made for it.

Two defects of openhands-ai 1.11.0 are mended on the way in, before anything of it binds the names: it takes a machine
in a container for one whose sandboxes are on another host, and a sandbox that sleeps between two requests for one that
has not started.
"""

import psutil
from openhands.app_server.utils import environment

environment.is_running_in_docker = lambda: False

from openhands.app_server.sandbox import process_sandbox_service as sandboxes  # noqa: E402

Status = sandboxes.SandboxStatus


def _status(_self: object, process: sandboxes.ProcessInfo) -> Status:
    try:
        status = psutil.Process(process.pid).status()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return Status.MISSING
    return {psutil.STATUS_STOPPED: Status.PAUSED, psutil.STATUS_ZOMBIE: Status.MISSING}.get(
        status, Status.RUNNING
    )


sandboxes.ProcessSandboxService._get_process_status = _status

from openhands.app_server.app import app  # noqa: E402, F401
