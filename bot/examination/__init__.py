"""`automation-bot check`: what is in order, what is missing, and what to do about it."""
