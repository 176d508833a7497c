"""sentence-transformers without what only training and torch's compiler need.

Its package imports trainers and evaluators and, through transformers, the compiler: scipy,
scikit-learn, pandas and sympy are half of the import's processor time, and 180 MB of a process
that only embeds. They stay away, unless somebody uses them later.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Final

# What the libraries look for and do without. None in sys.modules is Python's own way of saying
# that a module is not there.
_UNWANTED: Final = ("pandas", "scipy", "sklearn")

# What they import without asking, though embedding never calls it.
_LATE: Final = (
    "scipy.sparse",
    "sklearn.metrics",
    "torch._dynamo._trace_wrapped_higher_order_op",
    "torch.nn.attention.flex_attention",
)
_COMPILER: Final = "torch._dynamo"

# Packages that we do not install; transformers imports them where they are, and they import what
# is kept away here. Beside them everything is imported in the usual way.
_PARTNERS: Final = ("accelerate", "timm", "torchvision")


@contextmanager
def only_inference() -> Iterator[None]:
    """Keep the unneeded modules away from what is imported inside; afterwards all is as ever.

    A name that was taken from a late module loads the real one when it is called. Modules that are
    loaded already stay as they are.
    """
    import torch

    if any(find_spec(name) for name in _PARTNERS):
        yield
        return
    away: dict[str, ModuleType | None] = {
        **dict.fromkeys(_UNWANTED),
        **{name: _LateModule(name) for name in _LATE},
        _COMPILER: _MarksOnly(_COMPILER),
    }
    away = {name: module for name, module in away.items() if name not in sys.modules}
    sys.modules.update(away)  # type: ignore[arg-type]
    is_available = torch.distributed.is_available
    torch.distributed.is_available = lambda: False  # as in torch's builds without it
    try:
        yield
    finally:
        torch.distributed.is_available = is_available
        for name, module in away.items():
            if sys.modules.get(name, away) is module:
                del sys.modules[name]


class _LateModule(ModuleType):
    """A module that is imported when something taken from it is called."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        source = self.__name__

        def call(_: type, *arguments: object, **named: object) -> object:
            return getattr(import_module(source), name)(*arguments, **named)

        # A class, so that it may stand in annotations and isinstance checks too.
        return type(name, (), {"__new__": call})


class _MarksOnly(ModuleType):
    """The compiler as far as definitions go: decorators that mark functions for it."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return _unmarked


def _unmarked(function: object = None, *_: object, **__: object) -> object:
    return _unmarked if function is None else function
