"""Runs users' code: no network, files, environment or processes, and bounds on what it takes."""
