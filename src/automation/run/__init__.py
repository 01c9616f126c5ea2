"""One run on one agent-server: carried there, started once, followed to its end, judged, released.

The end of a run is a fact on the server's disk (`status.json` in the run's directory) that anyone can read
again, not an event that can be missed; `runner.sh` is what writes it.
"""
