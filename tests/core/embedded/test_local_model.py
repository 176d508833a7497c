"""The launcher's part in a local model: a child with a key of its own, ended with its parent."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.start import run_all
from core.config import Settings
from core.embedded import local_model
from core.embedded.process import is_running
from core.embedded.servers import EmbeddedServers
from core.models.local.weights import NoWeights


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "stand_in_model.py"
    script.write_text("import time\ntime.sleep(600)\n")
    monkeypatch.setattr(local_model, "_MODULE", "stand_in_model")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def test_it_runs_beside_the_servers_and_ends_with_them(tmp_path: Path) -> None:
    home = tmp_path / "data"
    wanted = {"postgres": False, "valkey": False}
    with EmbeddedServers(home, **wanted, chat_model="local/some") as servers:
        assert servers.model is not None
        assert servers.model.is_alive
        first = servers.addresses
        assert first["NUXA_CHAT_BASE_URL"].startswith("http://127.0.0.1:")
        assert len(first["NUXA_CHAT_API_KEY"]) > 30
        key = home / "local-model" / "key"
        assert key.stat().st_mode & 0o077 == 0
        pid = int((home / "local-model" / "pid").read_text())
    assert not is_running(pid, "stand_in_model")
    with EmbeddedServers(home, **wanted, chat_model="local/some") as servers:
        assert servers.addresses["NUXA_CHAT_API_KEY"] == first["NUXA_CHAT_API_KEY"]
    with EmbeddedServers(home, **wanted) as servers:
        assert servers.addresses == {}


def test_missing_weights_are_said_before_anything_is_started(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", chat_model="local/nowhere.gguf", port=0)
    with pytest.raises(NoWeights, match="no file and no known model"):
        run_all(settings, lambda _: None)
    assert not (tmp_path / "data" / "lock").exists()


@pytest.mark.parametrize(
    ("model", "url", "wants"),
    [
        ("local/some", None, True),
        ("local/some", "http://127.0.0.1:8080/v1", False),
        ("nuxa/extractive", None, False),
    ],
)
def test_one_runs_here_only_where_it_is_wanted(model: str, url: str | None, wants: bool) -> None:
    assert Settings(chat_model=model, chat_base_url=url).wants_embedded_model is wants
