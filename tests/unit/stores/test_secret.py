"""The key of an archive: made once, for its owner alone, and never made anew where one was."""

import threading

import pytest

from calotype.errors import Unavailable
from calotype.stores.secret import KEY_BYTES, FileSecret


def test_key_is_made_when_first_needed_and_stays(tmp_path):
    path = tmp_path / "secrets" / "a.key"
    secret = FileSecret(path)
    assert not path.exists()
    key = secret()
    assert len(key) == KEY_BYTES
    assert path.stat().st_mode & 0o777 == 0o600
    assert secret() == FileSecret(path)() == key
    assert [each.name for each in path.parent.iterdir()] == ["a.key"]


def test_those_who_need_it_at_the_same_time_get_the_same(tmp_path):
    found = set()
    barrier = threading.Barrier(4)

    def ask():
        barrier.wait()
        found.add(FileSecret(tmp_path / "a.key")())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1


@pytest.mark.parametrize("content", ["", "zz", "00" * 31])
def test_damaged_key_is_not_replaced(tmp_path, content):
    path = tmp_path / "a.key"
    path.write_text(content)
    with pytest.raises(Unavailable, match="holds no key"):
        FileSecret(path)()
    assert path.read_text() == content


def test_key_that_others_can_read_is_told(tmp_path, caplog):
    path = tmp_path / "a.key"
    path.write_text("ab" * KEY_BYTES)
    path.chmod(0o644)
    assert FileSecret(path)() == b"\xab" * KEY_BYTES
    assert "make it 600" in caplog.text


def test_folder_that_cannot_be_made_is_unavailable(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be used"):
        FileSecret(tmp_path / "file" / "a.key")()
