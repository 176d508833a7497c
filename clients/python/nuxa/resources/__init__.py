"""The parts of the API, one file each; every method describes one request."""
