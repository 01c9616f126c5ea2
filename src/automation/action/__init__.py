"""The Action face: an automation run from a workflow, and what the workflow sees of it."""
