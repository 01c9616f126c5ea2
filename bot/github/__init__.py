"""GitHub as the bot uses it: a client for each repository, comments and reactions, and the limits that all of it keeps to."""
