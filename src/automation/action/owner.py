"""The mark that a run of the Action carries on its server's disk. Pure.

An `external_id` can be copied by anybody who can read a check run; this mark says for which repository and
which check run a run was made, so that nobody ends or removes it on the word of another one.
"""

from automation.action.context import Context
from automation.external_id import ExternalId


def owner_mark(context: Context, keys: ExternalId) -> str:
    """One line: whose run it is."""
    return f"{context.server_url}/{context.repository} {keys}"
