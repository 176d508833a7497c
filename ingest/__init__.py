"""The engine that reads a document: parse, recognise, split and index."""
