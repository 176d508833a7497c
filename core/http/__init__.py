"""Outgoing HTTP: every call leaves through :class:`HttpClient`, which guards it."""

from core.http.answer import Answer, StreamedAnswer
from core.http.client import HttpClient, Outgoing, form_body, json_body

__all__ = ["Answer", "HttpClient", "Outgoing", "StreamedAnswer", "form_body", "json_body"]
