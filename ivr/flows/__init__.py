"""The flows: each reads like the conversation it leads."""
