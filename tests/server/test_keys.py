"""API keys: made once, kept as digests, exchanged without a pause, and never lost by a damaged file."""

from __future__ import annotations

import multiprocessing
import stat
from datetime import timedelta

import pytest

from mlsys import clock
from mlsys.errors import IntegrityError, UsageError
from mlsys.server import keys as api_keys
from mlsys.server.keys import KeyFile, add, keys_in, revoke


def look_again(keys: KeyFile) -> None:
    keys._looked -= api_keys.LOOK_EVERY_SECONDS  # as if that time had passed


def test_the_file_has_no_key_in_it_and_is_its_owners_alone(key_file) -> None:
    made, text = add(key_file, "shop", scope="predict")
    assert text.startswith(f"mlsys_{made.id}_")
    assert text.rpartition("_")[2] not in key_file.read_text()
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(key_file.parent.stat().st_mode) == 0o700
    assert keys_in(key_file) == (made,)


def test_a_key_is_found_and_its_neighbours_are_not(key_file) -> None:
    _, text = add(key_file, "shop", scope="predict")
    keys = KeyFile(key_file)
    found = keys.find(text)
    assert found is not None
    assert found.client == "shop"
    other = "A" if text[-1] != "A" else "B"
    for wrong in ("", text[:-1], text + "A", text[:-1] + other, "mlsys_00000000_" + text[15:], "é" * 58, text + "\n"):
        assert keys.find(wrong) is None


def test_a_client_changes_keys_without_a_pause(key_file) -> None:
    old, old_text = add(key_file, "shop", scope="predict")
    keys = KeyFile(key_file)
    _, new_text = add(key_file, "shop", scope="predict")
    look_again(keys)
    assert keys.find(old_text)
    assert keys.find(new_text)
    revoke(key_file, old.id)
    look_again(keys)
    assert keys.find(old_text) is None
    assert keys.find(new_text)


def test_a_key_ends_when_it_was_said_to(key_file, monkeypatch) -> None:
    _, text = add(key_file, "shop", scope="predict", until=clock.now() + timedelta(days=90))
    keys = KeyFile(key_file)
    assert keys.find(text)
    later = clock.now() + timedelta(days=90, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert keys.find(text) is None


@pytest.mark.parametrize("harm", ["gone", "damaged", "empty", "folder"])
def test_a_file_that_is_lost_opens_no_door_and_closes_none(key_file, harm) -> None:
    _, text = add(key_file, "shop", scope="predict")
    keys = KeyFile(key_file)
    key_file.unlink()
    if harm == "folder":
        key_file.mkdir()
    elif harm != "gone":
        key_file.write_text("{" if harm == "damaged" else "")
    look_again(keys)
    assert keys.any
    assert keys.find(text)
    assert keys.find("mlsys_00000000_" + "A" * 43) is None


def test_without_its_last_key_a_server_lets_nobody_in(key_file) -> None:
    made, text = add(key_file, "shop", scope="predict")
    keys = KeyFile(key_file)
    revoke(key_file, made.id)
    look_again(keys)
    assert keys.any
    assert keys.find(text) is None
    assert KeyFile(key_file).any  # nor does one that starts afterwards


def test_a_damaged_file_is_not_written_over(key_file) -> None:
    add(key_file, "shop", scope="predict")
    key_file.write_text("{}]")
    with pytest.raises(IntegrityError, match="no file of keys"):
        add(key_file, "shop", scope="predict")
    assert key_file.read_text() == "{}]"


@pytest.mark.parametrize("name", ["", "two words", "-x", "a" * 64, "a\n", "é"])
def test_a_client_has_a_plain_name(key_file, name) -> None:
    with pytest.raises(UsageError, match="called that"):
        add(key_file, name, scope="predict")
    assert not key_file.exists()


def test_a_key_that_would_be_over_is_not_made(key_file) -> None:
    with pytest.raises(UsageError, match="ended already"):
        add(key_file, "shop", scope="predict", until=clock.now())


def test_a_misspelt_id_is_told(key_file) -> None:
    made, _ = add(key_file, "shop", scope="predict")
    with pytest.raises(UsageError, match=made.id):
        revoke(key_file, made.id[:-1] + "x")


def _add_some(path) -> None:
    for _ in range(5):
        add(path, "shop", scope="predict")


@pytest.mark.slow
def test_keys_made_at_the_same_time_are_all_kept(key_file) -> None:
    context = multiprocessing.get_context("fork")
    makers = [context.Process(target=_add_some, args=(key_file,)) for _ in range(4)]
    for each in makers:
        each.start()
    for each in makers:
        each.join()
    assert len({key.id for key in keys_in(key_file)}) == 20
