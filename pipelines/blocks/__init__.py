"""One kind of workflow block a file."""
