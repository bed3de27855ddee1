"""Training on data sets: `rnrun train` in a process of its own, from a network's weights and back to them."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
from typing import TYPE_CHECKING, Any

from ._libraries import Error
from .flags import flags_of

if TYPE_CHECKING:
    from .network import Network


def _rnrun() -> str:
    """Of the build tree that the package is in, else on the PATH."""
    beside = pathlib.Path(__file__).absolute().parents[2] / "bin" / "rnrun"
    found = str(beside) if beside.exists() else shutil.which("rnrun")
    if found is None:
        raise Error(f"there is no rnrun, which reads data sets: neither {beside} nor on the PATH")
    return found


def fit(network: "Network", data: str, output_dir: str | None, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """See Network.fit."""
    with tempfile.TemporaryDirectory() as own:
        directory = pathlib.Path(output_dir or pathlib.Path(own) / "run")
        weights = os.path.join(own, "weights.safetensors")
        network.save(weights)
        command = [_rnrun(), "train", network.path, "--variant", network.info["cpu"], "--data", data, "--weights", weights,
                   "--output-dir", str(directory), "--log-json", *flags_of(settings)]
        epochs = []
        with open(os.path.join(own, "messages"), "w+") as messages:
            # In a session of its own, so that Ctrl-C comes to us, and once to it.
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=messages, text=True,
                                       start_new_session=True)
            try:
                for line in process.stdout:
                    event = json.loads(line)
                    if event["event"] == "epoch":
                        epochs.append(event)
                        print(", ".join(f"{key} {value:.4g}" for key, value in event.items()
                                        if isinstance(value, (int, float)) and not isinstance(value, bool)))
            except KeyboardInterrupt:
                process.send_signal(signal.SIGINT)  # it saves what was trained
                process.wait()
                network.load_checkpoint(directory / "checkpoint-last.safetensors")
                raise
            if process.wait() != 0:
                messages.seek(0)
                lines = messages.read().strip().splitlines() or [f"rnrun ended with status {process.returncode}"]
                raise Error(lines[-1].removeprefix("rnrun: error: "))
        network.load_checkpoint(directory / "checkpoint-last.safetensors")
    return epochs
