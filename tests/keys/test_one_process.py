"""One process serves an installation, however it is started, ended or killed."""

from __future__ import annotations

import json
import os
import shutil
import socket as sockets
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from key_service import JANE, Installation, case, gone, installation, run

from keys import app
from keys.client import (
    KeyClient,
    KeysMisconfigured,
    KeysRefused,
    KeysUnavailable,
    answering,
    initialise,
    socket_path,
    start_service,
)
from keys.places import Places, check_socket


def serving(home: Path) -> list[int]:
    wanted = ["keys.cli", "serve", str(home)]
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if all(word in words for word in wanted) and "--detach" not in words:
            found.append(process.pid)
    return found


def test_start_stop_status(installed: Installation) -> None:
    assert installed.command("status").returncode == 1
    assert installed.command("stop").returncode == 0
    assert installed.command("serve", "--detach").returncode == 0
    told = installed.command("status", "--json")
    facts = json.loads(told.stdout)
    assert told.returncode == 0
    assert facts == {
        "running": True,
        "pid": answering(installed.home),
        "socket": str(socket_path(installed.home)),
        "initialised": True,
    }
    assert installed.command("stop").returncode == 0
    assert not socket_path(installed.home).exists()
    assert installed.command("status", "--json").returncode == 1


def test_of_two_that_start_at_once_one_serves(installed: Installation) -> None:
    command = [sys.executable, "-m", "keys.cli", "serve", "--home", str(installed.home)]
    started = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(3)]
    deadline = time.monotonic() + 20
    while sum(p.poll() is None for p in started) > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    (winner,) = [p for p in started if p.poll() is None]
    assert answering(installed.home) == winner.pid
    assert [p.returncode for p in started if p is not winner] == [0, 0]
    assert installed.command("stop").returncode == 0
    assert winner.wait(10) == 0


def test_many_clients_that_start_it_at_once_meet_one_process(installed: Installation) -> None:
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(start_service, [installed.home] * 3))
    assert answering(installed.home) is not None
    deadline = time.monotonic() + 10
    while len(serving(installed.home)) > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert serving(installed.home) == [answering(installed.home)]


def test_a_socket_that_a_kill_left_behind_is_replaced(installed: Installation) -> None:
    client = installed.started()
    client.enrol(case("one", JANE, "lab"))
    before = client.assignment("one.lab")
    installed.killed()
    assert socket_path(installed.home).exists()
    assert installed.command("status").returncode == 1
    with pytest.raises(KeysUnavailable, match="keys-down"):
        client.assignment("one.lab")
    start_service(installed.home)
    assert client.assignment("one.lab") == before


def test_a_foreign_file_in_the_sockets_place_is_replaced(installed: Installation) -> None:
    socket_path(installed.home).write_text("stale")
    installed.started()
    assert answering(installed.home) is not None


def test_a_home_with_a_long_path_is_served_from_a_short_one(tmp_path: Path) -> None:
    home = tmp_path / ("long-" * 20) / ("name-" * 20)
    with installation(home) as made:
        path = socket_path(home)
        assert len(os.fsencode(path)) < 104
        client = made.started()
        assert path.parent.lstat().st_mode & 0o777 == 0o700
        client.enrol(case("one", JANE, "lab"))
        assert client.assignment("one.lab")
        # What anyone may look into is never where credentials are sent.
        path.parent.chmod(0o755)
        with pytest.raises(KeysMisconfigured, match="folder-not-private"):
            client.assignment("one.lab")
        path.parent.chmod(0o700)
    path.parent.rmdir()


def test_two_homes_with_long_paths_do_not_share_a_socket(tmp_path: Path) -> None:
    one, two = (tmp_path / ("long-" * 30) / name for name in ("one", "two"))
    assert socket_path(one) != socket_path(two)
    assert socket_path(one) == socket_path(one / "." / ".." / "one")


def test_a_link_in_the_place_of_the_short_folder_is_refused(tmp_path: Path) -> None:
    path = socket_path(tmp_path / ("long-" * 30))
    path.parent.symlink_to(tmp_path)
    try:
        with pytest.raises(KeysMisconfigured, match="folder-not-private"):
            check_socket(path)
    finally:
        path.parent.unlink()


def test_a_service_ends_with_the_installation_it_serves(installed: Installation) -> None:
    start_service(installed.home)
    pid = answering(installed.home)
    assert pid is not None
    shutil.rmtree(installed.home / "keys")
    gone(pid)


def test_a_stop_while_it_hangs_says_so(installed: Installation) -> None:
    with sockets.socket(sockets.AF_UNIX) as hung:
        hung.bind(str(socket_path(installed.home)))
        hung.listen(1)
        assert answering(installed.home) is None
        assert installed.command("stop").stdout == "not running\n"


def test_without_an_installation_there_is_nothing_to_serve(tmp_path: Path) -> None:
    for arguments in (("serve",), ("serve", "--detach")):
        told = run(*arguments, home=tmp_path)
        assert told.returncode == 78
        assert told.stderr.splitlines() == [
            "not-initialised: there is no key service set up here",
            "hint: run pseudodont init or name the right --home",
        ]
    with pytest.raises(KeysMisconfigured, match="not-initialised"):
        start_service(tmp_path)
    assert run("stop", home=tmp_path).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_a_fault_in_the_background_is_told_in_front(installed: Installation) -> None:
    Places.below(installed.home).settings.write_text('databse = "x"\n')
    told = installed.command("serve", "--detach")
    assert (told.returncode, told.stderr.partition(":")[0]) == (78, "settings-invalid")
    with pytest.raises(KeysMisconfigured, match="settings-invalid"):
        start_service(installed.home)


def test_setting_up_twice_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    first = initialise(tmp_path)
    before = Places.below(tmp_path).credentials.read_bytes()
    with pytest.raises(KeysRefused, match="already-initialised"):
        initialise(tmp_path)
    assert Places.below(tmp_path).credentials.read_bytes() == before
    assert len({first.enrol, first.facts, first.assignment}) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["keys"]


def test_a_setup_that_was_killed_is_whole_or_can_be_repeated(tmp_path: Path) -> None:
    home, into = tmp_path / "home", tmp_path / "worker" / "credentials"
    command = [sys.executable, "-m", "keys.cli", "initialise", "--home", str(home), "--into", str(into)]
    for delay in (0.4, 0.7, 0.9):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay)
        child.kill()
        child.wait()
    if not Places.below(home).folder.exists():
        initialise(home, into)
    start_service(home)
    enrol, facts, assignment = ((into / door).read_text() for door in ("enrol", "facts", "assignment"))
    client = KeyClient(socket_path(home), enrol, facts, assignment)
    client.enrol(case("one", JANE, "lab"))
    assert client.assignment("one.lab")
    assert client.facts("one.lab")
    assert [path.stat().st_mode & 0o777 for path in into.iterdir()] == [0o600] * 3
    assert run("stop", home=home).returncode == 0


def test_setting_up_twice_leaves_the_credentials_of_the_first_time(tmp_path: Path) -> None:
    first = app.initialise(tmp_path / "home", tmp_path / "held")
    with pytest.raises(KeysRefused, match="already-initialised"):
        app.initialise(tmp_path / "home", tmp_path / "held")
    assert (tmp_path / "held" / "enrol").read_text() == f"{first.enrol}\n"


def test_the_service_is_told_nothing_of_its_callers_environment(
    installed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANTED_SECRET", "quastenflosser")
    installed.started()
    pid = answering(installed.home)
    assert pid is not None
    assert b"quastenflosser" not in Path(f"/proc/{pid}/environ").read_bytes()
    assert installed.command("stop").returncode == 0
    gone(pid)
