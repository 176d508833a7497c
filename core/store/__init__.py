"""What the service remembers: one file a noun, the table beside its queries."""
