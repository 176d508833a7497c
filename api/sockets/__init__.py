"""Real time: events over Socket.IO, beside the routes and under the same rules."""
