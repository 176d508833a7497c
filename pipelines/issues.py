"""What is said of something wrong with a definition."""

from __future__ import annotations

from pipelines.workflow import Block

Issue = dict[str, str]


def named(block: Block) -> str:
    """Return how a sentence names a block."""
    return f'Block "{block.name}"'
