"""Talking to the copilot: sessions, and the pipeline from speech to speech."""
