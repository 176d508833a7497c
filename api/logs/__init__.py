"""Logs: listed, counted, exported."""
