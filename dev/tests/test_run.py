import socket
import stat

import pytest

from dev import run


@pytest.fixture
def taken_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield sock.getsockname()[1]


def test_a_taken_port_is_told_with_the_remedy(monkeypatch, taken_port):
    monkeypatch.setenv("WEB_PORT", str(taken_port))

    with pytest.raises(ValueError, match=f"port {taken_port} is taken: .* make run WEB_PORT={taken_port + 1}"):
        run.chosen_ports()


@pytest.mark.parametrize("text", ["0", "65536", "-1", "eight", "80 00"])
def test_a_port_that_is_none_is_told(monkeypatch, text):
    monkeypatch.setenv("SANDBOX_PORT", text)

    with pytest.raises(ValueError, match="SANDBOX_PORT must be a port from 1 to 65535"):
        run.chosen_ports()


def test_secrets_are_kept_for_the_owner_alone(monkeypatch, tmp_path):
    monkeypatch.setattr(run, "FOLDER", tmp_path)

    first, second = run.kept_secrets(), run.kept_secrets()

    assert first == second
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600
