"""Offline checks of quality, through the service's own code."""
