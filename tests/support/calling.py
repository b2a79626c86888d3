"""pynetdicom as a caller: an association of it that loses no answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pynetdicom import AE
from pynetdicom.association import Association

from calotype.services.routing.nodes import Node

_ONE_ROUND_S = 0.1
"""Longer than one round of pynetdicom's reactor thread."""


@contextmanager
def associated(caller: AE, node: Node, **how: Any) -> Iterator[Association]:
    """Open an association for ``send_c_store`` and its like, released when the block ends.

    pynetdicom's reactor thread reads the same queue as these. It is told to stand still by one flag and says so by
    another, and between the two it may take an answer that comes at once for a request nobody made: the caller then
    waits for it until its timeout. So it is stopped once, before the first question, and not let go in between.
    """
    association = caller.associate(node.host, node.port, ae_title=node.ae_title, **how)
    assert association.is_established
    checkpoint = association._reactor_checkpoint
    checkpoint.clear()
    time.sleep(_ONE_ROUND_S)
    checkpoint.set, go_on = lambda: None, checkpoint.set
    try:
        yield association
    finally:
        checkpoint.set = go_on
        association.release()
