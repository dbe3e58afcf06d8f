import pytest

from dev import folders
from dev.folders import InUse, held, temporary


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "CACHE", tmp_path)
    return tmp_path


def test_a_temporary_folder_is_gone_at_the_end():
    with temporary("demo") as folder:
        (folder / "log").write_text("…")

    assert not folder.exists()


def test_what_a_killed_process_left_goes_and_what_is_in_use_stays(cache):
    left = cache / "demo-left"
    left.mkdir()
    (left / "log").write_text("…")

    with temporary("demo") as first, temporary("demo") as second:
        assert first.exists()
        assert second.exists()
        assert not left.exists()


def test_a_folder_is_held_by_one(cache):
    with held(cache), pytest.raises(InUse), held(cache):
        pass
    with held(cache):
        pass
