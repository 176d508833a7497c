"""Artifacts: made, shown under a token, revoked."""
