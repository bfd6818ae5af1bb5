"""Measurements anyone can repeat: each module here has a `run()` that returns a Report."""
