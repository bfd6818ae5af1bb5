"""What a call was about: tickets and their clocks, emergencies, complaints, and what is promised to whom."""
