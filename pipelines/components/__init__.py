"""Haystack components over the service's own search, models and citations."""
