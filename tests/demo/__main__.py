"""The bot at work, without GitHub: `make demo`, or `python -m tests.demo --help`.

Ends with 0 if the check is a success, with 1 if anything of it did not come. Ctrl-C, SIGTERM and a terminal that
goes away end and remove all that was started.
"""

import argparse
import asyncio
import signal
import sys

from automation.errors import AutomationError
from tests.demo.play import NotSeen, play, teller
from tests.demo.stage import OPERATOR_TOKEN, Stage, stage

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SHOWN = 3000
"""Characters of the bot's log that are shown if something went wrong."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.demo",
        description="Starts a GitHub stand-in, an agent-server and the bot, comments /run-automation hello on a "
        "pull request, tells what happens, and stays until Ctrl-C so that the pages can be looked at.",
    )
    parser.add_argument("--once", action="store_true", help="end as soon as the run has")
    given = parser.parse_args()
    return asyncio.run(_demonstrate(stays=not given.once))


async def _demonstrate(*, stays: bool) -> int:
    playing = asyncio.create_task(_play(stays=stays))

    def end() -> None:
        # Once: another signal must not interrupt the tidying up.
        if not playing.cancelling():
            playing.cancel()

    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, end)
    try:
        return await playing
    except asyncio.CancelledError:
        return 0
    except (AutomationError, AssertionError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        print("\nEverything that was started is ended and removed.", flush=True)


async def _play(*, stays: bool) -> int:
    print("A GitHub stand-in, an agent-server and the bot are started on this machine.\n", flush=True)
    async with stage(teller()) as here:
        try:
            check = await play(here)
        except NotSeen as error:
            print(f"error: {error}; the bot's log ends with:\n{here.bot.log[-SHOWN:]}", file=sys.stderr)
            return 1
        _tell_where_to_look(here, check.details_url)
        if stays:
            print("\nCtrl-C ends all of this and removes it.", flush=True)
            await asyncio.Event().wait()
        return int(check.conclusion != "success")


def _tell_where_to_look(here: Stage, page: str) -> None:
    print(f"\nThe run's page:        {page}")
    print(f"The table of all runs: {here.bot.url}/runs, with the token {OPERATOR_TOKEN}")
    print(
        "Links to GitHub on them lead to the stand-in, which answers programs and has no pages.", flush=True
    )


if __name__ == "__main__":
    sys.exit(main())
