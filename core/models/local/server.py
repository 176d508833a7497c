"""``python -m core.models.local.server``: llama.cpp's own server, which speaks OpenAI's API."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Final

from core.config import get_settings
from core.models.local.weights import weights_of

_CONTEXT_TOKENS: Final = 8192
_BATCH_TOKENS: Final = 128  # read at once: between two batches an answer can be stopped


def main() -> None:
    """Serve until SIGTERM; the arguments are the directory of key and port, and the model."""
    import xllamacpp

    home, model = Path(sys.argv[1]), sys.argv[2]
    settings = get_settings()
    params = xllamacpp.CommonParams()
    params.model.path = str(weights_of(model, settings))
    params.hostnames, params.port = ["127.0.0.1"], int((home / "port").read_text())
    params.api_keys = [(home / "key").read_text().strip()]
    params.n_ctx, params.n_parallel = _CONTEXT_TOKENS, 1
    params.n_batch = params.n_ubatch = _BATCH_TOKENS
    threads = settings.chat_threads or os.cpu_count() or 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.ui, params.verbosity = False, 1
    ended = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ended)
    server = xllamacpp.Server(params)  # noqa: F841 - it serves while it is there
    signal.sigwait(ended)
    os._exit(0)  # the library's threads would hold the process


if __name__ == "__main__":
    main()
