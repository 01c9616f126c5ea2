"""What GitHub tells the bot: deliveries that are proved to be GitHub's, and the few fields of them that are read."""

from bot.events.event import Event, read_event
from bot.events.key import key_of
from bot.events.target import EventTarget, target_of

__all__ = ["Event", "EventTarget", "key_of", "read_event", "target_of"]
