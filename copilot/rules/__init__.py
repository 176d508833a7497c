"""Without a language model: rules that choose tools for a question and tell what came of them."""
