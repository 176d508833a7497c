"""The texts that documents are made from, and what a reader is to find in them.

``# `` begins a heading, ``- `` and ``1. `` items of lists, ``|`` rows of tables: a cell ``<`` goes
on the one to its left, ``^`` the one above it, ``{{a | b / c | d}}`` is a table within a cell.
``^[...]`` is a note on what stands before it. ``::: box``, ``columns`` and ``notes`` hold what
follows up to ``:::``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

_NOTE: Final = re.compile(r"\^\[([^\]]*)\]")
_HEADING: Final = re.compile(r"(#+) (.*)")
_ITEM: Final = re.compile(r"(-|\d+\.) (.*)")
_INNER: Final = re.compile(r"\{\{(.*?)\}\}")


@dataclass(frozen=True)
class Heading:
    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    """Texts, each with the note behind it or an empty one."""

    parts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Items:
    texts: tuple[str, ...]
    is_numbered: bool


@dataclass(frozen=True)
class Cell:
    text: str
    inner: Table | None = None
    columns: int = 1
    rows: int = 1
    is_covered: bool = False


@dataclass(frozen=True)
class Table:
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Group:
    """Blocks in a ``box``, in ``columns`` or among the ``notes`` of a slide."""

    kind: str
    blocks: tuple[Block, ...]


Block = Heading | Paragraph | Items | Table | Group


@dataclass
class Truth:
    """What is in a document; an inner table's cells are cells of their own."""

    words: list[str] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {"text": " ".join(self.words), "headings": self.headings, "cells": self.cells}


def parse_source(text: str) -> list[Block]:
    """Return the blocks of a source."""
    return list(_parse_lines(text.splitlines()))


def describe(blocks: list[Block]) -> Truth:
    """Return what a reader is to find in a document of these blocks."""
    truth = Truth()
    for block in blocks:
        _describe_block(block, truth)
    return truth


def _parse_lines(lines: list[str]) -> Iterator[Block]:
    outside: list[str] = []
    inside: list[str] | None = None
    kind = ""
    for line in lines:
        if line.startswith(":::"):
            if inside is None:
                yield from _parse_blocks(outside)
                outside, inside, kind = [], [], line.removeprefix(":::").strip()
            else:
                yield Group(kind, tuple(_parse_blocks(inside)))
                inside = None
        else:
            (outside if inside is None else inside).append(line)
    yield from _parse_blocks(outside)


def _parse_blocks(lines: list[str]) -> Iterator[Block]:
    for is_blank, run in groupby(lines, lambda line: not line.strip()):
        block = list(run)
        if is_blank:
            continue
        if heading := _HEADING.fullmatch(block[0]):
            yield Heading(len(heading[1]), heading[2])
        elif items := [found for line in block if (found := _ITEM.fullmatch(line))]:
            yield Items(tuple(item[2] for item in items), items[0][1] != "-")
        elif block[0].startswith("|"):
            yield parse_table([line.strip("| ").split(" | ") for line in _hide_inner(block)])
        else:
            yield Paragraph(_split_notes(" ".join(block)))


def _hide_inner(lines: list[str]) -> list[str]:
    return [_INNER.sub(lambda f: f"{{{{{f[1].replace(' | ', chr(1))}}}}}", line) for line in lines]


def parse_table(rows: list[list[str]]) -> Table:
    """Return the table of cells as they are written."""
    return Table(
        tuple(
            tuple(_parse_cell(rows, row, column) for column in range(len(rows[row])))
            for row in range(len(rows))
        )
    )


def _parse_cell(rows: list[list[str]], row: int, column: int) -> Cell:
    text = rows[row][column]
    if text in ("<", "^"):
        return Cell("", is_covered=True)
    if inner := _INNER.fullmatch(text):
        cells = [line.strip().split(chr(1)) for line in inner[1].split(" / ")]
        return Cell("", parse_table(cells))
    columns = 1
    while column + columns < len(rows[row]) and rows[row][column + columns] == "<":
        columns += 1
    height = 1
    while row + height < len(rows) and rows[row + height][column] == "^":
        height += 1
    return Cell(text, columns=columns, rows=height)


def _split_notes(text: str) -> tuple[tuple[str, str], ...]:
    parts = [*_NOTE.split(text), ""]
    return tuple(zip(parts[::2], parts[1::2], strict=False))


def _describe_block(block: Block, truth: Truth) -> None:
    match block:
        case Heading(text=text):
            truth.headings.append(text)
            truth.words.append(text)
        case Paragraph(parts=parts):
            truth.words += [said for part in parts for said in part if said]
        case Items(texts=texts):
            truth.words += texts
        case Table():
            _describe_table(block, truth)
        case Group(blocks=blocks):
            for inner in blocks:
                _describe_block(inner, truth)


def _describe_table(table: Table, truth: Truth) -> None:
    for cell in (cell for row in table.rows for cell in row):
        if cell.inner is not None:
            _describe_table(cell.inner, truth)
        elif cell.text:
            truth.cells.append(cell.text)
            truth.words.append(cell.text)
