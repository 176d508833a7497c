"""Speed and memory of the running service, over HTTP."""
