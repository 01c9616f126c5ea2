"""Where deliveries arrive: each is stored before it is acknowledged, and everything else is thought about later."""

from bot.inbox.inbox import Inbox, NotTaken
from bot.inbox.missed import MissedDeliveries
from bot.inbox.webhook import webhook_route

__all__ = ["Inbox", "MissedDeliveries", "NotTaken", "webhook_route"]
