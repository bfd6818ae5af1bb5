"""We talk: the FastAGI wire, what a flow may do with a caller, and the flows."""
