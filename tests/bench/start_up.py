"""What it costs to import the package and to understand the arguments, against an interpreter that does nothing."""

import subprocess
import sys
import time

ROUNDS = 20
PARSE = "import automation; from automation.cli import cli; cli(['run', '--help'], standalone_mode=False)"
INPUTS = """import automation
from automation.action.inputs import read_inputs
read_inputs({"INPUT_AUTOMATION": "review", "INPUT_SECRETS": "{TOKEN: x}", "INPUT_TIMEOUT": "60"})
"""


def seconds(code: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def measure(code: str) -> tuple[list[float], list[float]]:
    """Seconds of ours and of the bare interpreter, in turn, after one warm-up."""
    seconds(code)
    ours, bare = [], []
    for _ in range(ROUNDS):
        ours.append(seconds(code))
        bare.append(seconds("pass"))
    return ours, bare
