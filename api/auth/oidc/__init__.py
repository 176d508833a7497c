"""Signing in by an account elsewhere: OpenID Connect against any issuer."""
