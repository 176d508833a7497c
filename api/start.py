"""``make run``: everything on this machine, in the order that answers soonest."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from api.launch import Launcher, TookTooLong
from api.sample.workflow import QUESTION
from core.config import Settings, forbid_phoning_home
from core.errors import ServiceUnavailable
from core.models.local.weights import weights_of
from core.models.speech.door import NoVoice, require_speech
from core.models.speech.providers import LOCAL
from core.sandbox.guest import describe_missing_confinement

if TYPE_CHECKING:
    from api.seed import Sample

Say = Callable[[str], None]
_LIVE_SECONDS = 60
_READY_SECONDS = 180
_SAMPLE_SECONDS = 180
_LINES = """
  URL       {url}
  Demo key  {key}
  Sign in   {email} with {password}

Ask the copilot about the sample documents; the answer streams:

  curl -N {url}/api/copilot/stream -H 'x-api-key: {key}' \\
    -H 'content-type: application/json' -d '{chat}'

Run the sample workflow:

  curl {url}/api/workflows/{workflow}/execute -H 'x-api-key: {key}' \\
    -H 'content-type: application/json' -d '{run}'

Ctrl-C ends everything; the data is kept.
"""


class PortTaken(ServiceUnavailable):
    """Another program listens where the API should."""


def run_all(settings: Settings, say: Say) -> None:
    """Start the servers, the API and the workers; return when interrupted and all has ended.

    Raises a NuxaError that says what is in the way, with everything ended again.
    """
    _check_port(settings)
    launcher = Launcher(settings, say)
    try:
        try:
            _start(launcher, settings, say)
            launcher.watch()
        finally:
            say("Ending … (Ctrl-C again: at once)")
            launcher.stop()
    except KeyboardInterrupt:
        launcher.kill()
    say("Ended. The data is kept; the next start finds it.")


def _start(launcher: Launcher, settings: Settings, say: Say) -> None:
    began = time.monotonic()
    say(f"Starting; data in {settings.data_dir.resolve()}")
    if missing := describe_missing_confinement():
        say(missing)
    if settings.wants_embedded_model:
        weights_of(settings.local_model, settings)  # better said now than by a child in its log
    # The API's imports take as long as starting the servers and bringing the schema up to date, for
    # both of which it waits.
    settings = launcher.start_servers(lambda: launcher.start("api", "api", "serve"))
    sample = _prepare_database(settings)
    launcher.wait_for("The API", lambda: _answers(settings, "live"), _LIVE_SECONDS)
    say(f"Answering at {settings.base_url} after {time.monotonic() - began:.1f} s")
    launcher.wait_for("Warming models", lambda: _answers(settings, "ready"), _READY_SECONDS)
    say(f"Ready, models warm, after {time.monotonic() - began:.1f} s")
    launcher.start("documents", "workers", "documents")
    launcher.start("executions", "workers", "executions")
    launcher.start("upkeep", "workers", "upkeep")
    if sample is not None:
        _present(launcher, settings, sample, say)


def _prepare_database(settings: Settings) -> Sample | None:
    """Bring the schema up to date and make the sample, but not where others have users."""
    # Imported only now, while the API's process imports what it needs.
    from api.seed import seed_sample
    from core.migrations import migrate
    from core.store.unit import async_url

    forbid_phoning_home(settings)
    if settings.database_url is None:
        raise ServiceUnavailable("There is no database to prepare: set NUXA_DATABASE_URL.")
    migrate(async_url(settings.database_url))
    if settings.environment == "production":
        return None
    return asyncio.run(seed_sample(settings))


def _present(launcher: Launcher, settings: Settings, sample: Sample, say: Say) -> None:
    """Print what to try, once the sample's documents are read."""
    from api.seed import unread_documents

    if asyncio.run(unread_documents(settings, sample)):
        say(f"Reading {len(sample.document_ids)} sample documents, one of them a scan …")
        _await_sample(launcher, lambda: not asyncio.run(unread_documents(settings, sample)), say)
    say(_LINES.format(
        url=settings.base_url, key=sample.key, email=sample.email, password=sample.password,
        chat=json.dumps({"message": QUESTION, "knowledgeBaseIds": [sample.base_id]}),
        run=json.dumps({"input": {"question": QUESTION}}), workflow=sample.workflow_id,
    ))  # fmt: skip
    _say_voice(settings, say)


def _say_voice(settings: Settings, say: Say) -> None:
    """Say what to do where this service has no models that listen and speak."""
    try:
        require_speech(settings, LOCAL)
    except NoVoice as error:
        say(f"Voice is off. {error.message}")


def _await_sample(launcher: Launcher, is_read: Callable[[], bool], say: Say) -> None:
    """Return when the sample is read, or would keep who waits for the service any longer."""
    try:
        # Each look opens what a process needs, which whoever reads the documents lacks meanwhile.
        launcher.wait_for("The sample", is_read, _SAMPLE_SECONDS, every=1)
    except TookTooLong:
        say("That takes long here; it goes on while the service is in use.")


def _check_port(settings: Settings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise PortTaken(
                f"{settings.host}:{settings.port} cannot be listened on ({error.strerror}): stop "
                "what does, or choose another port with NUXA_PORT."
            ) from error


def _answers(settings: Settings, what: str) -> bool:
    """Whether the API answers one of its health checks with 200."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "") else settings.host  # noqa: S104
    connection = http.client.HTTPConnection(host, settings.port, timeout=5)
    try:
        connection.request("GET", f"/api/health/{what}")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
