"""The versioned API for programs that speak OpenAI's formats; by API key only."""
