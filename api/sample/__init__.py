"""What the first start puts into the sample workspace: documents of our own, and a workflow."""
