"""Who answers: queues, agents, the event log, recordings, and the link to Asterisk's manager interface."""
