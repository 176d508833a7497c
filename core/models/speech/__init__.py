"""The doors to speech: text from it, it from text, and where in a stream somebody speaks."""
