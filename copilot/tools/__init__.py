"""The copilot's tools, a subject a file; ``copilot.toolbox`` is their registry."""
