"""The shared floor: settings, errors, doors to the outside and what the service remembers."""

from core.telemetry import disable_telemetry

disable_telemetry()
