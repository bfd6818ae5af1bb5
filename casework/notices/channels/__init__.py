"""The channels: each takes a letter to a person in its own way (`casework/notices/channel.py` says what is asked)."""
