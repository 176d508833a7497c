"""Chats with the copilot."""
