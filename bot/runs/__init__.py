"""Runs of the bot: what is known of each, and how it is driven to its end."""
