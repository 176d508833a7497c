"""Workflows edited by several people at once, over sockets."""
