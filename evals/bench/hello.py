"""A bare Quart that says hello, served as the API is: what its requests a second are held against.

``python -m evals.bench.hello PORT``
"""

from __future__ import annotations

import sys

import uvicorn
from quart import Quart


def hello() -> Quart:
    """Return an application with one route and nothing else."""
    app = Quart(__name__, static_folder=None)

    @app.get("/")
    async def say() -> dict[str, str]:
        return {"hello": "world"}

    return app


if __name__ == "__main__":
    port = int(sys.argv[1])
    uvicorn.run(
        hello, factory=True, host="127.0.0.1", port=port, log_level="warning", access_log=False
    )
