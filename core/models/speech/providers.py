"""Whose speech models a workspace may choose."""

from __future__ import annotations

from typing import Final

LOCAL: Final = "local"  # those that this service was set up with
PROVIDERS: Final = (LOCAL, "openai")  # the others by the workspace's own key
