"""An export is made once for each version; installing a new one removes the others."""

from __future__ import annotations

import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.config import Settings, get_settings
from core.models import export
from tests.tiny_model import make_tiny_model

ROOT = Path(__file__).parents[3]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    model = make_tiny_model(tmp_path / "tiny", dimensions=32)
    monkeypatch.setenv("NUXA_EMBEDDING_MODEL", str(model))
    monkeypatch.setenv("NUXA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr("sys.prefix", str(tmp_path / "environment"))
    get_settings.cache_clear()
    yield get_settings()
    get_settings.cache_clear()


def test_installing_removes_what_earlier_versions_made_and_nothing_else(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(export, "_LAYOUT", "an earlier one")
    old = export.export(settings.embedding_model, settings).path
    beside = [old.parent / name for name in ("tiny-notes", "whisper-1", "tiny-more-0123456789ab")]
    for other in beside:
        other.mkdir()
    (beside[-1] / "nuxa-export.json").touch()  # of a model with a longer name
    monkeypatch.undo()
    monkeypatch.setattr("sys.prefix", str(old.parents[3]))
    monkeypatch.setattr(export, "get_settings", lambda: settings)
    with warnings.catch_warnings(action="error"):
        warnings.simplefilter("ignore", ResourceWarning)  # of whatever is collected meanwhile
        export.main()
    assert "dimensions" in capsys.readouterr().out
    new = export.find(settings.embedding_model, settings)
    assert new is not None
    assert sorted(new.path.parent.iterdir()) == sorted([new.path, *beside])
    export.main()
    assert new.path.is_dir()


def test_make_prepares_the_model_again_when_its_export_is_another(tmp_path: Path) -> None:
    """With the installed packages as they are and a Python that only notes what it is told."""
    script = (ROOT / "install.sh").read_text()
    for name in ("pyproject.toml", "constraints.txt", "tests/javascript/deno.lock"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    sources = [
        tmp_path / "core/models" / f"{name}.py" for name in ("export", "quantize", "questions")
    ]
    for source in sources:
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_text("first")
    (tmp_path / "install.sh").write_text(script)
    python, said = tmp_path / ".venv/bin/python", tmp_path / "said"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\n[ "$1" = -c ] || echo "$@" >>{said}\n')
    python.chmod(0o755)
    (tmp_path / ".venv/place").write_text(f"{tmp_path}\n")

    def install() -> list[str]:
        said.write_text("")
        subprocess.run(["bash", "install.sh"], cwd=tmp_path, check=True, capture_output=True)
        return said.read_text().splitlines()

    assert "-m core.models.export" in install()
    assert install() == []
    sources[1].write_text("second")
    assert install() == ["-m core.models.export"]
    assert install() == []
