"""A chat model on this machine: its weights, and the one process that holds them for all others."""
