"""The shared floor: settings, errors, doors to the outside and what the service remembers."""
