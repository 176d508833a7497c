"""Engines that run: workflows as Haystack pipelines, and search."""

import core  # noqa: F401 - switches telemetry off before Haystack is imported
