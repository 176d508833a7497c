"""Charts of a few series, drawn by matplotlib in a process of its own that can be ended."""
