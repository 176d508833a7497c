"""The engine that reads a document: parse, recognise, split and index."""

import core  # noqa: F401 - switches telemetry off before unstructured is imported
