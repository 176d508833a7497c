"""Documents of many formats made from texts, with what is in them."""
