"""Who calls, and by what: users, sessions, keys."""

from __future__ import annotations

from typing import Any

from nuxa.account_models import ApiKey, Authorized, Session, User
from nuxa.requests import Door, Json, Listing, Request, Resource, listing, method


class Users(Resource[Door]):
    @method
    def me(self) -> Request[User]:
        return Request("GET", "/api/user", User)

    @method
    def update(self, changes: Json) -> Request[User]:
        """Change the user: ``update({"name": …})``; for clients that sign in by a session."""
        return Request("PATCH", "/api/user", User, json=changes)

    @listing
    def list(self) -> Listing[User]:
        """Iterate over the members of the workspace."""
        return Listing("/api/users", User)


class ApiKeys(Resource[Door]):
    """For clients that sign in by a session's bearer token; a key makes no keys."""

    @listing
    def list(self) -> Listing[ApiKey]:
        return Listing("/api/auth/api-keys", ApiKey)

    @method
    def create(self, /, name: str, **settings: Any) -> Request[ApiKey]:
        """Create a key; ``settings`` as on the wire: ``scopes``, ``expiresAt``."""
        return Request("POST", "/api/auth/api-keys", ApiKey, json={"name": name, **settings})

    @method
    def delete(self, key_id: str) -> Request[None]:
        return Request("DELETE", f"/api/auth/api-keys/{key_id}")


class Sessions(Resource[Door]):
    """For clients that sign in by a session's bearer token."""

    @listing
    def list(self) -> Listing[Session]:
        """Iterate over where the user is signed in."""
        return Listing("/api/auth/sessions", Session)

    @method
    def end(self, session_id: str) -> Request[None]:
        """Sign out one session, and the tokens that stand for it."""
        return Request("DELETE", f"/api/auth/sessions/{session_id}")

    @method
    def reauthenticate(self, password: str) -> Request[None]:
        """Prove the password anew: what creates credentials or destroys asks for that."""
        return Request("POST", "/api/auth/reauthenticate", json={"password": password})

    @listing
    def grants(self) -> Listing[dict[str, Any]]:
        """Iterate over the programs that act for the user, newest first."""
        return Listing("/api/auth/grants", dict[str, Any])

    @method
    def revoke_grant(self, grant_id: str) -> Request[None]:
        """End a program's grant with all its tokens."""
        return Request("DELETE", f"/api/auth/grants/{grant_id}")

    @method
    def exchange(self, grant: Json) -> Request[dict[str, Any]]:
        """Give tokens for a code, a refresh token or a key; ``grant`` is as RFC 6749 names it."""
        return Request("POST", "/api/auth/token", dict[str, Any], json=grant)

    @method
    def socket_token(self) -> Request[dict[str, Any]]:
        """Make a token for ``auth.token`` of one socket handshake."""
        return Request("POST", "/api/auth/socket-token", dict[str, Any], json={})

    @method
    def authorize(
        self,
        client_id: str,
        redirect_uri: str,
        code_challenge: str,
        state: str | None = None,
        scope: str | None = None,
    ) -> Request[Authorized]:
        """Let a program in: a code that it exchanges for tokens of its own (PKCE, S256)."""
        body = {
            "clientId": client_id,
            "redirectUri": redirect_uri,
            "codeChallenge": code_challenge,
            "codeChallengeMethod": "S256",
        }
        given = {"state": state, "scope": scope}
        body |= {name: value for name, value in given.items() if value is not None}
        return Request("POST", "/api/auth/authorize", Authorized, json=body)
