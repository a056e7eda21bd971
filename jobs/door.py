"""The pages as the daemon opens them: the same network, database and letters as every job."""

from starlette.applications import Starlette

from jobs import heartbeat, schedule
from jobs.app import App
from web.site import Door, make_site

#: The jobs whose sign of life is to be expected within the time a health check allows; the hourly one is not.
WATCHED = tuple(name for name, every in schedule.EVERY.items() if every < heartbeat.LATE_AFTER.total_seconds())


def site(app: App) -> Starlette:
    """The ASGI application of this daemon; `/healthz` complains of jobs that got nowhere for too long."""

    def late() -> list[str]:
        return heartbeat.late(app.data_dir, WATCHED, app.now(), app.config.poll_seconds)

    return make_site(Door(app.network, app.database, app.writer, app.now, late))
