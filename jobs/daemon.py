"""The daemon: schedule and pages in one process, up until SIGTERM or SIGINT, down within thirty seconds."""

import logging
import os
import signal
import threading
from types import FrameType

import uvicorn

from contacts.errors import RuleBroken
from jobs import lock, schedule
from jobs.app import App
from jobs.door import site
from jobs.schedule import GuardedScheduler
from jobs.version import VERSION
from mailer import maillog
from mailer.inbound.understanding import prepare

#: Seconds for the mail in hand when asked to stop; service managers wait thirty.
_LAST_MAIL = 22


def serve(app: App) -> None:
    """Run until a signal says stop; the mail in hand is finished first. A second signal ends at once.

    Raises RuleBroken("busy") when another daemon works in the same data folder.
    """
    _listen_for_signals(app)
    with lock.holding(app.lock_dir, "daemon"):
        prepare()  # a second's work, done before anybody is told that we are here
        door = _open_door(app)
        scheduler = schedule.start(app)
        maillog.started(VERSION)
        try:
            app.stop.wait()
        finally:
            app.stop.set()
            _tell_door(door)
            _finish(scheduler)
    maillog.stopped()


def _finish(scheduler: GuardedScheduler) -> None:
    """Let the mail in hand be finished; a server that keeps us waiting does not hold the whole machine (REL-17)."""
    ending = threading.Thread(target=scheduler.shutdown, name="ending", daemon=True)
    ending.start()
    ending.join(_LAST_MAIL)
    if ending.is_alive():
        logging.shutdown()
        os._exit(0)  # what was in hand is written in its row: the next start knows where it stood


def _listen_for_signals(app: App) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        if app.stop.is_set():
            logging.shutdown()
            os._exit(1)  # asked twice: rows and ledger say where to go on
        app.stop.set()

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)


Door = tuple[uvicorn.Server, threading.Thread]


def _open_door(app: App) -> Door | None:
    """The pages in a thread of their own; none when the network works by mail alone."""
    if app.network.web_url is None:
        return None
    host, port = app.config.web_listen
    settings = uvicorn.Config(
        site(app),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        limit_concurrency=200,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=5,
        lifespan="off",
    )
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run, name="web", daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.05)
        if not thread.is_alive():
            raise RuleBroken("web", f"Nobody can listen at WEB_LISTEN={host}:{port}; is it taken by another program?")
    return server, thread


def _tell_door(door: Door | None) -> None:
    """The pages close by themselves, within five seconds, while the mail in hand is finished."""
    if door is not None:
        door[0].should_exit = True
