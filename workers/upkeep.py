"""The clock: wakes workers for rows that nobody took, and ends what was interrupted.

Every step may be done twice or by two clocks side by side: a wake that finds no row does nothing,
and rows change only from the status they were found in.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final

import structlog

from copilot import turn
from core import removal
from core.config import Settings, forbid_phoning_home
from core.logs import configure_logs
from core.queue import Kind
from core.services import Services, open_services
from core.store import vector_indexes
from core.store.unit import SystemUnit
from pipelines import pauses, scheduling
from workers.event_delivery import deliver_events, forget_event_deliveries
from workers.mail_polling import poll_mailboxes

_TICK_SECONDS: Final = 2.0
_DELIVERY_SECONDS: Final = 1.0
_MAIL_SECONDS: Final = 5.0
_SLOW_SECONDS: Final = 30.0
_FORGET_SECONDS: Final = 600.0
_MOST_WAKES: Final = 64
_SWEPT_AT_ONCE: Final = 5_000
_SWEEP_SECONDS: Final = 6 * 3600.0
_UPLOADS_END: Final = timedelta(days=1)
_VISITOR_CHAT_AGE: Final = timedelta(days=30)
_LAST_WORDS: Final = timedelta(seconds=30)  # to write the end of a recording

log = structlog.get_logger(__name__)


async def run_upkeep(settings: Settings) -> None:
    """Do every duty each tick until SIGTERM or SIGINT."""
    forbid_phoning_home(settings)
    configure_logs(settings)
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    async with open_services(settings) as services:
        # Making an index may take minutes: such have a clock of their own.
        await asyncio.gather(
            _tick(DUTIES, services, ending, _TICK_SECONDS),
            # An endpoint may be slow to answer.
            _tick((deliver_events,), services, ending, _DELIVERY_SECONDS),
            _tick((poll_mailboxes,), services, ending, _MAIL_SECONDS),
            _tick(SLOW_DUTIES, services, ending, _SLOW_SECONDS),
            _tick(FORGETTING, services, ending, _FORGET_SECONDS),
            _tick((sweep_blobs,), services, ending, _SWEEP_SECONDS),
        )


async def _tick(
    duties: tuple[Duty, ...], services: Services, ending: asyncio.Event, seconds: float
) -> None:
    while not ending.is_set():
        work = asyncio.ensure_future(_do_all(duties, services))
        end = asyncio.ensure_future(ending.wait())
        await asyncio.wait((work, end), return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            work.cancel()
        await asyncio.wait((work,))
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await end


async def _do_all(duties: tuple[Duty, ...], services: Services) -> None:
    for duty in duties:
        await _do(duty, services)


async def _do(duty: Duty, services: Services) -> None:
    """Do one duty; a server that is away for a moment must not end the clock."""
    try:
        await duty(services)
    # Logged whole, and tried again at the next tick.
    except Exception:
        log.exception("duty failed", duty=duty.__name__)


async def wake_document_workers(services: Services) -> None:
    """Wake for documents, files and changes of model that no worker has, or has any more."""
    await _wake(services, "documents", _waiting_documents)


async def wake_execution_workers(services: Services) -> None:
    """Wake for runs that wait: their wake was lost, or their worker is gone."""
    await _wake(services, "executions", lambda unit: unit.execution_jobs.count_waiting())


async def _waiting_documents(unit: SystemUnit) -> int:
    queues = (
        unit.document_jobs,
        unit.file_jobs,
        unit.reembedding_jobs,
        unit.rechunking_jobs,
    )
    return sum([await queue.count_waiting() for queue in queues])


async def _wake(
    services: Services, kind: Kind, count: Callable[[SystemUnit], Awaitable[int]]
) -> None:
    async with services.store.system() as unit:
        waiting = await count(unit)
    if not waiting:
        return
    # Wakes that are under way count: a long queue is not fed again and again.
    missing = min(waiting, _MOST_WAKES) - await services.queue.depth(kind)
    for _ in range(missing):
        await services.queue.wake(kind)


async def renew_waiting_slots(services: Services) -> None:
    """Keep the slots of runs that no process drives yet: they hold them from acceptance."""
    async with services.store.system() as unit:
        waiting = await unit.execution_jobs.waiting_with_slot()
    if waiting:
        await services.slots.renew_all(waiting)


async def end_pauses(services: Services) -> None:
    """Have runs go on that waited for a time, or for another run, which has come."""
    await pauses.end_due(services)


async def tend_vector_indexes(services: Services) -> None:
    """Give bases that have become large an index of their vectors, and take it from small ones."""
    await vector_indexes.tend(services.store)


async def forget_expired_sign_ins(services: Services) -> None:
    """Delete sessions and bearer tokens that have run out."""
    async with services.store.system() as unit:
        await unit.bearer_tokens.delete_expired()
        await unit.sessions.delete_expired()
        await unit.invitations.delete_expired()


async def delete_unused_visitor_chats(services: Services) -> None:
    """Delete the chats of anonymous visitors that were not used for 30 days."""
    async with services.store.system() as unit:
        await unit.anonymous_chats.delete_unused(_VISITOR_CHAT_AGE)


async def end_interrupted_turns(services: Services) -> None:
    """End turns of the copilot whose process is gone, so that their readers learn it."""
    await turn.end_interrupted(services)


async def end_overdue_voice_sessions(services: Services) -> None:
    """End conversations by voice that are past their limit, and those whose process is gone.

    What such a process recorded until then is kept.
    """
    async with services.store.system() as unit:
        await unit.voice_sessions.end_overdue()
        await unit.voice_recordings.end_abandoned(_LAST_WORDS)


async def forget_voice_events(services: Services) -> None:
    """Delete the ids of other services' events that are older than any repeat."""
    async with services.store.system() as unit:
        await unit.voice_events.purge()


async def forget_old_recordings(services: Services) -> None:
    """Delete recordings of conversations that were kept as long as their workspace has said."""
    removed = await removal.remove_old_recordings(services)
    if removed:
        log.info("recordings deleted", count=removed)


async def forget_idempotency_keys(services: Services) -> None:
    """Delete the answers that were kept for repeats of a call and are a day old."""
    async with services.store.system() as unit:
        await unit.idempotency.purge()


async def sweep_blobs(services: Services) -> None:
    """Delete bytes that a crash left without a row; of a day ago, so that no upload is met."""
    swept = await removal.sweep_blobs(services, _UPLOADS_END)
    if swept:
        log.info("blobs without a row deleted", count=swept)


async def sweep_vectors(services: Services) -> None:
    """Delete vectors that a change of model replaced or gave up, in short transactions."""
    while True:
        async with services.store.system() as unit:
            if not await unit.reembedding_leftovers.sweep(_SWEPT_AT_ONCE):
                return


async def fire_schedules(services: Services) -> None:
    """Claim the fire times that have come, and run what waits for a slot and finds one."""
    await scheduling.fire(services)


async def forget_old_fires(services: Services) -> None:
    """Delete what is known of fire times of more than thirty days ago."""
    async with services.store.system() as unit:
        await unit.schedule_jobs.purge()


async def forget_old_runs(services: Services) -> None:
    """Delete runs that ended longer ago than they are to be kept, a few hundred at a time."""
    days = services.settings.run_retention_days
    while days:
        async with services.store.system() as unit:
            if not await unit.execution_jobs.purge(timedelta(days=days)):
                return


async def forget_webhook_deliveries(services: Services) -> None:
    """Delete webhooks' deliveries of more than seven days ago, whose ids may come anew."""
    async with services.store.system() as unit:
        await unit.webhook_targets.purge()


Duty = Callable[[Services], Awaitable[None]]
SLOW_DUTIES: Final = (tend_vector_indexes, sweep_vectors, forget_idempotency_keys)
FORGETTING: tuple[Duty, ...] = (
    forget_expired_sign_ins,
    forget_webhook_deliveries,
    forget_event_deliveries,
    forget_old_fires,
    forget_old_runs,
    forget_old_recordings,
    delete_unused_visitor_chats,
)
DUTIES: tuple[Duty, ...] = (
    wake_document_workers,
    fire_schedules,
    wake_execution_workers,
    renew_waiting_slots,
    end_pauses,
    end_interrupted_turns,
    end_overdue_voice_sessions,
)
