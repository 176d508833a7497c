"""Conversations by voice: settings, sessions, and the services that bring calls."""
