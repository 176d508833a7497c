"""The names of everything in Redis, so that none of one workspace can be met by another.

Each name has the workspace in it, and an id that this service chose: never one that a caller did.
Names that are of no workspace (people, addresses, tokens, the process group) are at the end. Celery
and Socket.IO name what is their own; `SOCKETS_CHANNEL` is what the latter is given.
"""

from __future__ import annotations

import hashlib
from typing import Final

SOCKETS_CHANNEL: Final = "nuxa:sockets"
WORKFLOWS_CHANNEL: Final = "nuxa:workflows"  # ids and versions of workflows that have changed
TURNS_CHANNEL: Final = "nuxa:turns"  # turns that have begun, with their workspace
COUNTERS: Final = "nuxa:counters"
METRICS: Final = "nuxa:metrics"


def run_log(workspace_id: str, log_id: str) -> str:
    """Return the name of a run's event log; `log_id` is the row's, not the id callers see."""
    return f"run:{workspace_id}:{log_id}"


def turn_log(workspace_id: str, message_id: str) -> str:
    """Return the name of a chat turn's event log."""
    return f"turn:{workspace_id}:{message_id}"


def owner_of_log(log: str) -> str:
    """Return the workspace in the name of an event log."""
    return log.partition(":")[2].partition(":")[0]


def event_stream(log: str) -> str:
    """Return the key of an event log's stream; the braces keep it beside its counter."""
    return f"{{log:{log}}}"


def event_counter(log: str) -> str:
    return f"{event_stream(log)}:n"


def slots(workspace_id: str) -> str:
    """Return the key of the slots that a workspace's runs hold."""
    return f"slots:{workspace_id}"


def slots_of_account(account: str) -> str:
    """Return the key of the workspaces of an account whose runs hold slots."""
    return f"slots:account:{account}"


def workspace_rate(workspace_id: str) -> str:
    return f"rate:workspace:{workspace_id}"


def agent_messages(workspace_id: str, agent_id: str) -> str:
    """Return the key of how many messages visitors sent to an agent."""
    return f"visitors:{workspace_id}:{agent_id}"


def agent_messages_of_address(workspace_id: str, agent_id: str, address: str) -> str:
    """Return the key of how many messages an address block sent to an agent."""
    return f"{agent_messages(workspace_id, agent_id)}:{_hash(address)}"


def presence(workspace_id: str, workflow_id: str) -> str:
    """Return the key of who has a workflow open."""
    return f"presence:{workspace_id}:{workflow_id}"


def awareness(workspace_id: str, workflow_id: str) -> str:
    """Return the key of what Yjs clients of a workflow say of themselves."""
    return f"awareness:{workspace_id}:{workflow_id}"


def workflow_room(workspace_id: str, workflow_id: str) -> str:
    """Return the Socket.IO room of those who have a workflow open."""
    return f"workflow:{workspace_id}:{workflow_id}"


def document_room(workspace_id: str, workflow_id: str) -> str:
    """Return the Socket.IO room of those who want a workflow's Yjs updates too."""
    return f"yjs:{workspace_id}:{workflow_id}"


def chats_room(user_id: str, workspace_id: str | None) -> str:
    """Return the Socket.IO room of a user's chats, in one workspace or in all of the user's."""
    return f"chats:{user_id}:{workspace_id or 'all'}"


def owner_rate(user_id: str, plan: str) -> str:
    """Return the name of the rate that a plan's workspaces of one owner share."""
    return f"rate:owner:{user_id}:{plan}"


def user_rate(user_id: str) -> str:
    return f"rate:user:{user_id}"


def address_rate(address: str) -> str:
    return f"rate:address:{address}"


def sign_ins_of_account(email: str, address: str) -> str:
    return f"login:{_hash(f'{email}|{address}')}"


def sign_ins_of_email(email: str) -> str:
    return f"login:{_hash(email)}"


def sign_ups_of_address(address: str) -> str:
    return f"signup:{_hash(address)}"


def sign_ins_of_address(address: str) -> str:
    return f"login:{_hash(address)}"


def resets_of_address(address: str) -> str:
    return f"reset:{_hash(address)}"


def mails_of_account(email: str) -> str:
    return f"mail:{_hash(email)}"


def second_factors_of_person(user_id: str) -> str:
    return f"second-factor:{user_id}"


def invitations_of_person(user_id: str) -> str:
    return f"invitations:{user_id}"


def ticket(purpose: str, token_hash: str) -> str:
    return f"ticket:{purpose}:{token_hash}"


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
