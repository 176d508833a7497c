"""Uploaded files: kept, described and given back as they came."""
