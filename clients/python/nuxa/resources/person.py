"""The signed-in person's own account: address, invitations, second factors, passkeys, deletion.

All but `prove_second_factor` and the two passkey sign-ins need a session; tokens of programs and
API keys are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nuxa.account_models import OwnInvitation, Passkey, Workspace
from nuxa.requests import Door, Json, Listing, Request, Resource, listing, method


class Account(Resource[Door]):
    @listing
    def invitations(self) -> Listing[OwnInvitation]:
        """Iterate over the invitations to the user's confirmed address, newest first."""
        return Listing("/api/invitations", OwnInvitation)

    @method
    def accept_invitation(
        self, token: str | None = None, invitation_id: str | None = None
    ) -> Request[Workspace]:
        """Join a workspace by the token of a link, or the id of a listed invitation."""
        body = {"token": token} if token is not None else {"invitationId": invitation_id}
        return Request("POST", "/api/invitations/accept", Workspace, json=body)

    @method
    def verify_email(self, token: str) -> Request[dict[str, Any]]:
        """Confirm the user's address by the token of a mail."""
        return Request("POST", "/api/auth/verify-email", dict[str, Any], json={"token": token})

    @method
    def resend_verification(self) -> Request[dict[str, Any]]:
        return Request("POST", "/api/auth/verify-email/resend", dict[str, Any], json={})

    @method
    def change_email(self, email: str) -> Request[dict[str, Any]]:
        """Mail a link to a new address; `confirm_email_change` makes the change."""
        return Request("POST", "/api/user/email", dict[str, Any], json={"email": email})

    @method
    def confirm_email_change(self, token: str) -> Request[dict[str, Any]]:
        return Request("POST", "/api/user/email/confirm", dict[str, Any], json={"token": token})

    @method
    def delete(self, delete_workspaces: Sequence[str]) -> Request[None]:
        """Delete the account; name exactly the workspaces that it alone owns."""
        body = {"deleteWorkspaces": [*delete_workspaces]}
        return Request("DELETE", "/api/user", json=body)

    @method
    def second_factor(self) -> Request[dict[str, Any]]:
        """Return whether sign-in needs a code, and how many recovery codes are left."""
        return Request("GET", "/api/auth/second-factor", dict[str, Any])

    @method
    def prove_second_factor(self, challenge: str, code: str) -> Request[dict[str, Any]]:
        """Complete a sign-in that answered `SECOND_FACTOR_REQUIRED`."""
        body = {"challenge": challenge, "code": code}
        return Request("POST", "/api/auth/second-factor", dict[str, Any], json=body)

    @method
    def create_totp(self) -> Request[dict[str, Any]]:
        """Make the secret of an authenticator app; a code of it confirms it."""
        return Request("POST", "/api/auth/totp", dict[str, Any], json={})

    @method
    def confirm_totp(self, code: str) -> Request[dict[str, Any]]:
        """Require codes from now on; the answer alone has the recovery codes."""
        return Request("POST", "/api/auth/totp/confirm", dict[str, Any], json={"code": code})

    @method
    def delete_totp(self) -> Request[None]:
        return Request("DELETE", "/api/auth/totp")

    @method
    def replace_recovery_codes(self) -> Request[dict[str, Any]]:
        return Request("POST", "/api/auth/recovery-codes", dict[str, Any], json={})

    @listing
    def passkeys(self) -> Listing[Passkey]:
        return Listing("/api/auth/passkeys", Passkey)

    @method
    def passkey_options(self) -> Request[dict[str, Any]]:
        """Return `challengeId`, and `publicKey` for `navigator.credentials.create`."""
        return Request("POST", "/api/auth/passkey-options", dict[str, Any], json={})

    @method
    def create_passkey(self, name: str, challenge_id: str, credential: Json) -> Request[Passkey]:
        body = {"name": name, "challengeId": challenge_id, "credential": credential}
        return Request("POST", "/api/auth/passkeys", Passkey, json=body)

    @method
    def delete_passkey(self, passkey_id: str) -> Request[None]:
        return Request("DELETE", f"/api/auth/passkeys/{passkey_id}")

    @method
    def passkey_login_options(self) -> Request[dict[str, Any]]:
        """Return `challengeId`, and `publicKey` for `navigator.credentials.get`."""
        return Request("POST", "/api/auth/passkey-login/options", dict[str, Any], json={})

    @method
    def log_in_with_passkey(self, challenge_id: str, credential: Json) -> Request[dict[str, Any]]:
        body = {"challengeId": challenge_id, "credential": credential}
        return Request("POST", "/api/auth/passkey-login", dict[str, Any], json=body)
