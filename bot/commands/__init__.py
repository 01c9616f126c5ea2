"""What people write to the bot: the commands in their comments, and what is wrong with them. Pure."""

from bot.commands.command import COMMAND, Command, Mistake, Verb
from bot.commands.grammar import may_command, nearest_verb, read_command

__all__ = ["COMMAND", "Command", "Mistake", "Verb", "may_command", "nearest_verb", "read_command"]
