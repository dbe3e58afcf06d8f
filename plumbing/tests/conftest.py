import io
import logging

import pytest


@pytest.fixture
def printed(capsys, monkeypatch):
    """Return what the process has printed and logged so far."""
    [console] = [handler for handler in logging.root.handlers if type(handler) is logging.StreamHandler]
    log = io.StringIO()
    monkeypatch.setattr(console, "stream", log)
    return lambda: log.getvalue() + "".join(capsys.readouterr())
