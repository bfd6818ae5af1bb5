"""The proof, room by room."""

import os

# A run in several processes says how wide its own terminal is; what a command prints is looked at in the width it asks.
os.environ.pop("COLUMNS", None)
