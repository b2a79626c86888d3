"""From settings to the way we call others."""

from __future__ import annotations

from calotype.app.settings import Settings
from calotype.network.settings import DialSettings, Timeouts
from calotype.scu.calling import Caller


def timeouts_of(settings: Settings) -> Timeouts:
    """Return the patience that the settings ask for."""
    dicom = settings.dicom
    return Timeouts(
        connect_s=min(dicom.network_s, 10.0),
        artim_s=dicom.artim_s,
        idle_s=dicom.idle_s,
        dimse_s=dicom.dimse_s,
        network_s=dicom.network_s,
    )


def caller_of(settings: Settings) -> Caller:
    """Return who we are when we call others."""
    return Caller(
        settings.dicom.ae_title,
        DialSettings(timeouts=timeouts_of(settings), max_pdu_bytes=settings.dicom.max_pdu_bytes),
    )
