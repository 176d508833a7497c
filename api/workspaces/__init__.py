"""Workspaces: what is kept apart from one another."""
