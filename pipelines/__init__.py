"""Engines that run: workflows as Haystack pipelines, and search."""
