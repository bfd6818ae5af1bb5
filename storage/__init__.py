"""What the rooms remember: databases to read and to write in transactions, and the history of their tables."""
