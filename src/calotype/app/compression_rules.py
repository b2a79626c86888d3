"""From settings to the rules of what is compressed."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from calotype.app.settings import CompressionRule, Settings
from calotype.dicom.pixels.options import EncodeOptions
from calotype.errors import CalotypeError, InvalidRequest
from calotype.services.archive.compression.rules import Rule, Rules, is_lossy, target_of
from calotype.services.archive.ports import InstanceRecord


def rules_of(settings: Settings) -> Rules:
    """Return the rules of the settings. InvalidRequest, naming the setting, where they make no sense."""
    section = settings.compression
    rules = [_rule_of(each, f"compression.rules.{i}") for i, each in enumerate(section.rules)]
    # What no rule fits. Loss is allowed in a rule only, where it is said of what.
    rules.append(_rule_of(CompressionRule(transfer_syntax=section.transfer_syntax), "compression"))
    return Rules(tuple(rules))


def wanted(settings: Settings) -> Callable[[InstanceRecord], bool] | None:
    """Return what tells of a new object whether it is to be compressed; ``None`` while nothing is."""
    return rules_of(settings).wants if settings.compression.enabled else None


def _rule_of(section: CompressionRule, where: str) -> Rule:
    try:
        target = target_of(section.transfer_syntax) if section.transfer_syntax.strip() else None
        lossy = target is not None and is_lossy(target) and section.lossy
        return Rule(
            target,
            frozenset(title.strip(" ") for title in section.calling_ae_titles),
            tuple(ipaddress.ip_network(peer, strict=False) for peer in section.peers),
            frozenset(section.modalities),
            EncodeOptions(section.jpeg_quality, section.near, section.psnr_db, section.distance) if lossy else None,
            keeps_original=section.keep_original,
        )
    except (CalotypeError, ValueError) as error:
        raise InvalidRequest(f"{where}: {error}") from error
