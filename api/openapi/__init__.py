"""The description of the API, made from the table of routes, and a page to read it in."""
