"""Changing a workflow: one path for routes, sockets, the copilot and CRDT clients."""
