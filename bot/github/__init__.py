"""GitHub as the bot uses it: a client for each repository, comments and reactions, and the pace of what can wait."""
