"""From settings to the jobs of an archive, and to what they may do outside of it."""

from __future__ import annotations

from calotype.app.opening import Stores
from calotype.app.settings import Settings
from calotype.services.jobs.jobs import Jobs
from calotype.services.jobs.settings import JobSettings
from calotype.services.routing.exchange import ExchangeSettings
from calotype.stores.index.jobs import SqliteJobs


def jobs_over(stores: Stores, settings: Settings) -> Jobs:
    """Return the jobs kept in ``stores``; nothing runs before they are started."""
    section = settings.jobs
    return Jobs(
        SqliteJobs(stores.index),
        JobSettings(
            workers=section.workers,
            max_attempts=section.max_attempts,
            retry_first_s=section.retry_first_s,
            retry_max_s=section.retry_max_s,
            keep_days=section.keep_days,
        ),
    )


def exchange_of(settings: Settings) -> ExchangeSettings:
    """Return who we are to neighbours, and from where files may be sent."""
    titles = (title.strip(" ") for listener in settings.listeners for title in listener.ae_titles)
    return ExchangeSettings(settings.dicom.ae_title.strip(" "), frozenset(titles), settings.jobs.folders)
