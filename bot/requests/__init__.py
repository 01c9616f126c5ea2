"""Requests: deliveries that ask for something, and what comes of each: runs, replies, or nothing."""
