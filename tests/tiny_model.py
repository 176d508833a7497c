"""A real embedding model of whatever dimensions, random and small: it loads in no time."""

from __future__ import annotations

from pathlib import Path

from core.models import loading

_WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "cash", "cat", "##s", "flow"]


def make_tiny_model(directory: Path, dimensions: int) -> Path:
    """Save one under ``directory`` and return where; slow enough for a thread."""
    with loading.lock:  # a server that warms its model in this process imports less meanwhile
        return _make(directory, dimensions)


def make_tiny_reranker(directory: Path) -> Path:
    """Save a cross-encoder under ``directory`` and return where; it says something of any pair."""
    with loading.lock:
        import torch
        from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

        directory.mkdir(parents=True)
        (directory / "vocab.txt").write_text("\n".join(_WORDS))
        BertTokenizerFast(vocab_file=str(directory / "vocab.txt")).save_pretrained(directory)
        config = BertConfig(
            vocab_size=len(_WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=16, max_position_embeddings=64, num_labels=1,
            initializer_range=0.3,
        )  # fmt: skip
        torch.manual_seed(7)  # some beginnings tell no pair from another
        BertForSequenceClassification(config).save_pretrained(directory)
    return directory


def _make(directory: Path, dimensions: int) -> Path:
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    raw = directory / "raw"
    raw.mkdir(parents=True)
    (raw / "vocab.txt").write_text("\n".join(_WORDS))
    BertTokenizerFast(vocab_file=str(raw / "vocab.txt")).save_pretrained(raw)
    config = BertConfig(
        vocab_size=len(_WORDS), hidden_size=dimensions, num_hidden_layers=1,
        num_attention_heads=2, intermediate_size=16, max_position_embeddings=32,
        initializer_range=0.3,
    )  # fmt: skip
    torch.manual_seed(7)  # with other weights each time, what is found would be a matter of chance
    BertModel(config).save_pretrained(raw)
    transformer = Transformer(str(raw), max_seq_length=16)
    SentenceTransformer(modules=[transformer, Pooling(dimensions)], device="cpu").save(
        str(directory / "tiny")
    )
    return directory / "tiny"
