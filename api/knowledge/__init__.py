"""Knowledge bases, their documents, and search in them."""
