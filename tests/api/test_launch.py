"""The launcher looks after its processes, and takes them along when it is killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api import start
from api.launch import Launcher, LaunchFailed
from api.start import PortTaken, run_all
from core.config import Settings
from core.embedded.process import is_running
from core.models.speech import files

ROOT = Path(__file__).resolve().parents[2]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
HOLD = """
import time
from pathlib import Path
from api.launch import Launcher
from core.config import get_settings
launcher = Launcher(get_settings(), print)
launcher.start("web", "http.server", "--bind", "127.0.0.1", "{port}")
time.sleep(600)
"""


@pytest.fixture
def launcher(settings: Settings) -> Iterator[Launcher]:
    launcher = Launcher(settings, print)
    yield launcher
    launcher.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def start_web(launcher: Launcher, name: str = "web") -> int:
    port = free_port()
    launcher.start(name, "http.server", "--bind", "127.0.0.1", str(port))
    launcher.wait_for("web", lambda: listens(port), 30)
    return port


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def arguments_of(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""  # it ended while we looked


def find_process(marker: str) -> int:
    """Return the number of the process whose last argument is ``marker``."""
    found = [
        int(process.name)
        for process in Path("/proc").iterdir()
        if process.name.isdigit() and arguments_of(process).strip().endswith(marker)
    ]
    assert len(found) == 1, found
    return found[0]


@LINUX
def test_a_process_that_ends_is_started_again_and_said(
    launcher: Launcher, capsys: pytest.CaptureFixture[str]
) -> None:
    port = start_web(launcher)
    os.kill(find_process(f"127.0.0.1 {port}"), signal.SIGKILL)
    wait_until(lambda: not listens(port))

    def is_back() -> bool:
        launcher.look_after()
        return listens(port)

    wait_until(is_back)
    assert "web ended unexpectedly" in capsys.readouterr().out


def test_stop_ends_every_process(launcher: Launcher) -> None:
    first, second = start_web(launcher, "first"), start_web(launcher, "second")
    launcher.stop()
    assert not listens(first)
    assert not listens(second)


def test_a_process_that_cannot_start_is_reported_with_its_words(launcher: Launcher) -> None:
    launcher.start("web", "http.server", "--bind", "nowhere.invalid")
    with pytest.raises(LaunchFailed, match=r"web ended while starting(.|\n)*socket.gaierror"):
        launcher.wait_for("web", lambda: False, 30)


def test_waiting_ends(launcher: Launcher) -> None:
    start_web(launcher)
    with pytest.raises(LaunchFailed, match="The thing took over 0 s"):
        launcher.wait_for("The thing", lambda: False, 0.2)


def test_a_sample_that_is_long_in_reading_does_not_end_the_service(
    launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(start, "_SAMPLE_SECONDS", 0)
    start._await_sample(launcher, lambda: False, said.append)
    assert "goes on" in said[-1]


@LINUX
def test_a_killed_launcher_takes_its_processes_along(settings: Settings) -> None:
    port = free_port()
    holder = subprocess.Popen([sys.executable, "-c", HOLD.format(port=port)], cwd=ROOT)
    wait_until(lambda: listens(port))
    child = find_process(f"127.0.0.1 {port}")
    holder.kill()
    holder.wait()
    wait_until(lambda: not is_running(child, "http.server"))


def test_a_taken_port_is_a_sentence_before_anything_starts(
    settings: Settings, data_dir: Path
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = settings.model_copy(update={"port": other.getsockname()[1]})
        with pytest.raises(PortTaken, match="NUXA_PORT"):
            run_all(taken, print)
    assert not data_dir.exists()


def test_voice_hint_without_models_names_command_and_is_silent_with_hosted_ones(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "roots", lambda _: ())
    monkeypatch.setattr(files, "find_spec", lambda _: None)
    said: list[str] = []
    start._say_voice(settings, said.append)
    assert "make voice-models" in said[0]
    hosted = {"speech_to_text_model": "openai/whisper-1", "text_to_speech_model": "openai/tts-1"}
    start._say_voice(settings.model_copy(update=hosted), said.append)
    assert len(said) == 1
