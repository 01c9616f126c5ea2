"""All that the bot says in comments, as Markdown: plain data in, text out. Pure.

Whatever others have written (logins, names, titles, sentences, summaries) shows itself and does nothing: nobody
but the asker is notified, no HTML, image or link of theirs is live, and no text here is a command to the bot.
Every text fits in a comment beside its marker (`bot.replies.marker`), which whoever posts it puts before it.
"""

from bot.replies.marker import key_of, marker
from bot.replies.refusals import (
    approval_needed,
    mistake,
    nothing_to_cancel,
    nothing_to_retry,
    refusal,
    unknown_automation,
)
from bot.replies.runs import approved, cancelled, retried, status, why
from bot.replies.status_comment import status_comment
from bot.replies.usage import help, listing, which  # noqa: A004  # the command's own name

__all__ = [
    "approval_needed",
    "approved",
    "cancelled",
    "help",
    "key_of",
    "listing",
    "marker",
    "mistake",
    "nothing_to_cancel",
    "nothing_to_retry",
    "refusal",
    "retried",
    "status",
    "status_comment",
    "unknown_automation",
    "which",
    "why",
]
