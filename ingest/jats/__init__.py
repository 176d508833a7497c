"""Scientific articles in JATS, the XML of PubMed Central and of many publishers."""

from ingest.jats.article import read

__all__ = ["read"]
