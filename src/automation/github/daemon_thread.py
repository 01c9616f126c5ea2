"""A blocking call in a thread of its own, which nobody waits for when the process ends."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from typing import Any


async def in_daemon_thread[T](call: Callable[[], T]) -> T:
    """The call's result. If we are cancelled it goes on, in a thread that nobody waits for at exit."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(error: BaseException | None, value: Any = None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(value)
        else:
            done.set_exception(error)

    def work() -> None:
        result: tuple[BaseException | None, Any]
        try:
            result = (None, call())
        except BaseException as error:  # noqa: BLE001  # it is raised again where it is awaited
            result = (error, None)
        with suppress(RuntimeError):  # the loop has been closed: nobody waits any more
            loop.call_soon_threadsafe(settle, *result)

    # As in `asyncio.to_thread`: what is logged there is about the same as here.
    context = copy_context()
    threading.Thread(target=context.run, args=(work,), daemon=True, name="GitHub").start()
    return await done
