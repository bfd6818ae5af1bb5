"""Calls that we make: return visits after a repair, surveys, reminders. Whom we call, what we ask, what follows."""
