"""Workflows: kept, deployed, run."""
