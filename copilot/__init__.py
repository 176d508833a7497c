"""The engine that answers one chat turn."""
