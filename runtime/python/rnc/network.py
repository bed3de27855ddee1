"""A compiled network with its weights, memory and threads."""

from __future__ import annotations

import ctypes
import json
import os
import tempfile
import weakref
from typing import Any, Callable, Mapping, Sequence, Union

import numpy as np

from ._libraries import Array, Error, rnrun, take_text
from .arrays import DTYPES, as_array, empty, fill
from .flags import flags_of

Path = Union[str, "os.PathLike[str]"]


class _Entry:
    """How an entry of the library is called: its arguments by name and in order."""

    def __init__(self, description: Mapping[str, Any]) -> None:
        self.name = description["name"]
        self.inputs = {value["name"]: value for value in description["input_types"]}
        self.batched = [name for name, value in self.inputs.items() if -1 in value["shape"]]
        self.outputs = {value["name"]: value for value in description["output_types"]}
        self.names = {name: name.encode() for name in [*self.inputs, *self.outputs]}

    def given(self, positional: tuple, named: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """The inputs by name: those without one are the batched ones in order."""
        if len(positional) > len(self.batched):
            raise Error(f"{self.name} takes {', '.join(self.batched)}: {len(positional)} arrays given")
        values = dict(zip(self.batched, positional))
        for name, value in named.items():
            if name not in self.inputs:
                raise Error(f"{self.name} has no input '{name}'; it takes {', '.join(self.inputs)}")
            if name in values:
                raise Error(f"'{name}' is given twice")
            values[name] = value
        return {name: as_array(value, name, self.inputs[name]["dtype"], self.inputs[name]["shape"])
                for name, value in values.items()}

    def results(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Places for the outputs."""
        batch = next((inputs[name].shape[0] for name in self.batched if name in inputs), 1)
        return {name: empty([batch if size < 0 else size for size in value["shape"]], DTYPES[value["dtype"]][1])
                for name, value in self.outputs.items()}

    def arrays(self, values: Mapping[str, np.ndarray]) -> Any:
        """rnrun_array[]."""
        arrays = (Array * len(values))()
        for place, (name, value) in zip(arrays, values.items()):
            place.name = self.names[name]
            fill(place, value)
        return arrays


def _free(model: int, session: int) -> None:
    rnrun.rnrun_session_free(session)
    rnrun.rnrun_model_free(model)


class Network:
    """A library that rnc has compiled, ready to run. Calls from several threads wait for each other; several
    networks, also of one library, run at the same time.

    library: the file. threads: those that compute (default: OMP_NUM_THREADS, or as many as there are CPUs).
    variant: of a library for several CPUs, the code for this one, "x86-64-v3" (default: what the environment's
        RNRUN_VARIANT names, or the best that this CPU runs).
    """

    def __init__(self, library: Path, threads: int | None = None, variant: str | None = None) -> None:
        model, session = ctypes.c_void_p(), ctypes.c_void_p()
        rnrun.rnrun_model_load(os.fsencode(library), model)
        try:
            if variant is not None:
                loaded, model = model, ctypes.c_void_p()
                try:
                    rnrun.rnrun_model_variant(loaded, variant.encode(), model)
                finally:
                    rnrun.rnrun_model_free(loaded)
            rnrun.rnrun_session_create(model, threads or 0, session)
        except Error:
            rnrun.rnrun_model_free(model)
            raise
        self._session = session.value
        self._model = model.value
        self._free = weakref.finalize(self, _free, self._model, self._session)
        self.path = os.fspath(library)
        self._write_onnx: Callable[[Sequence[str], Path], None] | None = None  # set by rnc.compile
        text = ctypes.c_void_p()
        rnrun.rnrun_model_json(self._model, 1, threads or 0, text)
        self.info: dict[str, Any] = json.loads(take_text(text))
        """What `rnrun info --json` prints."""
        self._entries = {entry["name"]: _Entry(entry) for entry in self.info["entries"]}
        self._tensors = {tensor["name"]: tensor for tensor in self.info["tensors"]}

    def __repr__(self) -> str:
        return f"<rnc.Network {self.info['name']}: {self.info['parameters']} parameters>"

    @property
    def name(self) -> str:
        return self.info["name"]

    @property
    def classes(self) -> list[str]:
        """Names of the classes; empty if the network has none."""
        return self.info["classes"]

    @property
    def steps(self) -> int:
        """Training steps done."""
        return rnrun.rnrun_steps(self._session)

    @property
    def copied_bytes(self) -> int:
        """Bytes that the last call copied as arrays were not at multiples of 64 bytes; see rnc.empty."""
        return rnrun.rnrun_copied_bytes(self._session)

    def _entry(self, name: str) -> _Entry:
        if name not in self._entries:
            raise Error(f"the network {self.name} has no entry '{name}'; it has {', '.join(self._entries)}")
        return self._entries[name]

    def __call__(self, *inputs: Any, **named: Any) -> np.ndarray | dict[str, np.ndarray]:
        """Predictions, as in inference: logits f32[N, classes] of images u8[N, 3, H, W], say.

        Inputs are in the network's order or by name; N may be any number. Several predictions come by name.
        """
        entry = self._entry("infer")
        given = entry.given(inputs, named)
        results = entry.results(given)
        rnrun.rnrun_infer(self._session, entry.arrays(given), len(given), entry.arrays(results), len(results))
        return next(iter(results.values())) if len(results) == 1 else results

    def evaluate(self, *inputs: Any, **named: Any) -> dict[str, Any]:
        """Predictions and the loss, as in inference, by name; the mean loss of the samples as a float."""
        return self.call("loss", *inputs, **named)

    def train_step(self, *inputs: Any, **named: Any) -> float:
        """Trains on a batch, with the learning rate `lr` and the network's own optimizer. Returns the loss before it.

            loss = net.train_step(images, labels, lr=0.01)
        """
        entry = self._entry("train_step")
        given = entry.given(inputs, named)
        loss = ctypes.c_double()
        rnrun.rnrun_train_step(self._session, entry.arrays(given), len(given), None, 0, loss)
        return loss.value

    def fit(self, data: Path, output_dir: Path | None = None, **settings: Any) -> list[dict[str, Any]]:
        """Trains on a data set, from these weights, as `rnrun train` does; afterwards the network has the last epoch's.

            net.fit("folder/", epochs=3, batch_size=64, lr=0.1, hflip=0.5)

        data: what `rnrun train --data` takes. output_dir: for checkpoints and the report; without it they are not kept.
        settings: the flags of `rnrun train --help`. Prints a line per epoch; returns what metrics.jsonl has for each.
        The optimizer's state begins anew. After Ctrl-C the network has the weights so far.
        """
        from .training import fit
        return fit(self, os.fspath(data), None if output_dir is None else os.fspath(output_dir), settings)

    def call(self, entry: str, *inputs: Any, **named: Any) -> dict[str, Any]:
        """Any entry by its name, as `rnrun call` does; its results by name, scalars as floats."""
        called = self._entry(entry)
        given = called.given(inputs, named)
        results = called.results(given)
        rnrun.rnrun_call(self._session, entry.encode(), called.arrays(given), len(given),
                         called.arrays(results), len(results))
        return {name: value if value.ndim else float(value) for name, value in results.items()}

    def tensor(self, name: str) -> np.ndarray:
        """A copy of a tensor: "fc.weight", "momentum.fc.weight", "grad.fc.weight"."""
        if name not in self._tensors:
            raise Error(f"the network {self.name} has no tensor '{name}'")
        description = self._tensors[name]
        value = empty(description["shape"], DTYPES[description["dtype"]][1])
        self._exchange(rnrun.rnrun_get_tensor, name, value)
        return value

    def set_tensor(self, name: str, value: Any) -> None:
        """Sets a tensor of any kind. Type and shape must be the tensor's."""
        if name not in self._tensors:
            raise Error(f"the network {self.name} has no tensor '{name}'")
        description = self._tensors[name]
        self._exchange(rnrun.rnrun_set_tensor, name,
                       as_array(value, name, description["dtype"], description["shape"]))

    def _exchange(self, function: Any, name: str, value: np.ndarray) -> None:
        place = Array(name=name.encode())
        fill(place, value)
        function(self._session, place)

    def set_number(self, name: str, value: float) -> None:
        """A value for a scalar input of the network or its optimizer: "momentum", in place of the compiled one."""
        rnrun.rnrun_set_number(self._session, name.encode(), value)

    def initialize(self, seed: int = 0) -> None:
        """All weights and the optimizer's state as at the beginning of a training with this seed."""
        rnrun.rnrun_initialize(self._session, seed)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of all parameters and buffers by PyTorch's names and shapes."""
        return {name: self.tensor(name) for name in self._weights()}

    def _weights(self) -> list[str]:
        return [name for name, tensor in self._tensors.items() if tensor["kind"] in ("parameter", "buffer")]

    def load_state_dict(self, state: Mapping[str, Any] | Path, strict: bool = True) -> str:
        """Takes weights by name: of PyTorch's state_dict(), or from any file that `rnrun --weights` takes.

        strict=False takes what fits. Returns what there is to say of a file. Raises Error, and changes nothing, where
        names or shapes differ.
        """
        if isinstance(state, (str, os.PathLike)):
            notes = ctypes.c_void_p()
            rnrun.rnrun_load_weights(self._session, os.fsencode(state), not strict, notes)
            return take_text(notes)
        own = self._weights()
        values = {name: np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
                  for name, value in state.items() if not name.endswith("num_batches_tracked")}
        fits = {name: values[name] for name in own
                if name in values and list(values[name].shape) == self._tensors[name]["shape"]
                and values[name].dtype.kind == "f"}
        problems = [f"'{name}' is {list(values[name].shape)}, the network has {self._tensors[name]['shape']}"
                    if name in values else f"'{name}' is missing" for name in own if name not in fits]
        problems += [f"'{name}' is not of this network" for name in values if name not in self._tensors]
        if problems and strict:
            more = f"; and {len(problems) - 5} more" if len(problems) > 5 else ""
            raise Error(f"the state does not fit the network {self.name}: {'; '.join(problems[:5])}{more}")
        for name, value in fits.items():
            self.set_tensor(name, value.astype(np.float32, copy=False))
        return ""

    def save(self, path: Path) -> None:
        """Writes parameters and buffers as a safetensors file."""
        rnrun.rnrun_save_weights(self._session, os.fsencode(path))

    def to_onnx(self, path: Path, **options: Any) -> None:
        """Writes the network with the weights it has now as an .onnx file, for inference.

        options: rnc's: opset=13, keep_batch_norm=True, float_input=True. Raises CompileError where ONNX cannot say it,
        Error where the network's source is not known or has changed.
        """
        if self._write_onnx is None:
            raise Error(f"{self.path} is a library: rnc.compile its source to write it as ONNX")
        with tempfile.TemporaryDirectory() as directory:
            weights = os.path.join(directory, "weights.safetensors")
            self.save(weights)
            self._write_onnx([*flags_of(options), f"--weights={weights}"], path)

    def save_checkpoint(self, path: Path) -> None:
        """Writes weights, the optimizer's state and the count of steps, as `rnrun train` does."""
        rnrun.rnrun_save_checkpoint(self._session, os.fsencode(path))

    def load_checkpoint(self, path: Path) -> None:
        """Goes on from a checkpoint of save_checkpoint or of `rnrun train`."""
        rnrun.rnrun_load_checkpoint(self._session, os.fsencode(path))

    def summary(self) -> str:
        """The network in a few lines: entries with their inputs and outputs, numbers of elements, memory in MiB."""
        lines = [f"{self.name}: {self.info['parameters']:,} parameters, {self.info['buffers']:,} elements of buffers",
                 f"compiled for {self.info['cpu']}; optimizer: {self.info['optimizer'] or 'none'}"]
        lines += [f"  {entry['name']}({entry['inputs']}) -> {entry['outputs']}; "
                  f"{entry['memory_bytes'] / 2**20:.1f} MiB at batch 1" for entry in self.info["entries"]]
        return "\n".join(lines)

    def profile(self, train: bool = False, batch: int = 1, threads: int | None = None) -> dict[str, Any]:
        """Measures inference or training steps on generated inputs for some seconds: what `rnrun bench --json` prints
        (times in milliseconds, kernels slowest first). The weights stay as they are."""
        text = ctypes.c_void_p()
        rnrun.rnrun_model_bench(self._model, train, batch, threads or 0, text)
        return json.loads(take_text(text))

    def as_torch_module(self) -> Any:
        """The network as a torch.nn.Module with parameters of PyTorch's, whose forward and backward pass are compiled:
        see rnc.torch_module."""
        from .torch_module import CompiledModule
        return CompiledModule(self)
