"""The only doors to models: chat, embeddings, reranking and speech."""
