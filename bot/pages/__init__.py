"""What people see of the bot in a browser: a page for each run, and a table of all of them for its operator."""
