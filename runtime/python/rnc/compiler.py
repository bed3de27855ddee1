"""Compiling networks, each once: libraries are kept under their content's name."""

from __future__ import annotations

import ctypes
import hashlib
import io
import os
import pathlib
import threading
import warnings
from typing import Any, Callable, Mapping, Sequence, Union

from ._libraries import CompileError, Error, compiler, library_path
from .flags import flags_of
from .network import Network, Path


def _options(flags: Sequence[str]) -> tuple[Any, int]:
    return (ctypes.c_char_p * len(flags))(*(flag.encode() for flag in flags)), len(flags)


def _interruptible(work: Callable[[], Any]) -> Any:
    """Does it in a thread, so that Ctrl-C is heard at once. What was begun ends before the program does."""
    done = threading.Event()
    result: list = []

    def run() -> None:
        try:
            result.append((work(), None))
        except BaseException as error:  # raised again where it was asked for
            result.append((None, error))
        done.set()

    threading.Thread(target=run).start()
    done.wait()
    value, error = result[0]
    if error is not None:
        raise error
    return value


class _Source:
    """A file, the text of a network, or the bytes of an ONNX model, which then has this name."""

    def __init__(self, path_or_text: Union[str, Path], onnx: bytes | None = None) -> None:
        text = os.fspath(path_or_text)
        self.onnx = onnx
        self.is_text = isinstance(path_or_text, str) and ("\n" in text or "{" in text)
        self.name = "text" if self.is_text else text
        self.text = text.encode()

    @property
    def is_onnx(self) -> bool:
        return not self.is_text and self.name.endswith(".onnx")

    def emit(self, flags: Sequence[str], use: Callable[[Any], Any]) -> Any:
        """Compiles, and uses the artifact. Raises CompileError."""
        rnc, artifact = compiler(), ctypes.c_void_p()
        if self.onnx is not None:
            rnc.rnc_compile_onnx(self.onnx, len(self.onnx), self.name.encode(), *_options(flags), artifact)
        elif self.is_text:
            rnc.rnc_compile_text(self.text, len(self.text), self.name.encode(), *_options(flags), artifact)
        else:
            rnc.rnc_compile_file(os.fsencode(self.name), *_options(flags), artifact)
        try:
            return use(artifact)
        finally:
            rnc.rnc_artifact_free(artifact)

    def digest(self, flags: Sequence[str]) -> bytes:
        """Of all that the library depends on: the network as it was read, its weights, options, machine, compiler."""

        def hashed(artifact: Any) -> bytes:
            size = ctypes.c_size_t()
            data = compiler().rnc_artifact_bytes(artifact, size)
            return hashlib.sha256((ctypes.c_char * size.value).from_address(data)).digest() if size.value else b""

        target = compiler().rnc_target_text(*_options(flags))
        if target is None:
            raise CompileError(compiler().rnc_error_text().decode())
        library = os.stat(library_path("librnc")) if os.path.exists(library_path("librnc")) else None
        built = f"{library.st_size} {library.st_mtime_ns}" if library else ""
        version = compiler().rnc_version().decode()
        content = hashlib.sha256("\0".join([version, built, target.decode(), *flags]).encode())
        content.update(self.emit([*flags, "--emit=graph", "--passes="], hashed))
        if self.is_onnx:
            content.update(self.emit([*flags, "--emit=weights"], hashed))
        return content.digest()


def _write(artifact: Any, path: Path) -> None:
    compiler().rnc_artifact_write(artifact, os.fsencode(path))
    notes = compiler().rnc_artifact_notes(artifact).decode()
    if notes:
        warnings.warn(notes, stacklevel=2)


def cache_directory() -> pathlib.Path:
    """$XDG_CACHE_HOME/rnc, or ~/.cache/rnc. What is in it may be deleted at any time."""
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "rnc"


def compile(path_or_text: Union[str, Path], classes: int | None = None,
            weights: Mapping[str, Any] | Path | None = None, *, threads: int | None = None,
            variant: str | None = None, **options: Any) -> Network:
    """Compiles a network, for this machine unless target_cpu says otherwise, and loads it.

    path_or_text: a .graph or .onnx file, or the text of a network (what has a line break or a brace).
    classes: the network's constant `classes`.
    weights: as Network.load_state_dict takes them.
    threads: those that compute.
    variant: which of the CPUs in target_cpu="x86-64-v4,x86-64-v3,x86-64" the code is for that is used (default: the
        best of them that this machine runs).
    options: rnc's, as `rnc --help` explains them: optimizer="adam(lr = 0.001)", freeze=["layer1.*"],
        set={"width": 2}, target_cpu="x86-64-v3", explain=True, loss="cross_entropy" for an .onnx file.

    Compiling the same again takes the library that is there. Raises CompileError.
    """
    return _compile(_Source(path_or_text), classes, weights, threads=threads, variant=variant, **options)


def _compile(source: _Source, classes: int | None = None, weights: Mapping[str, Any] | Path | None = None, *,
             threads: int | None = None, variant: str | None = None, **options: Any) -> Network:
    if classes is not None:
        options["set"] = {**options.get("set", {}), "classes": classes}
    flags = flags_of(options)
    digest = source.digest(flags)
    library = cache_directory() / f"{digest.hex()[:32]}.so"
    network = None
    if library.exists():
        try:
            network = Network(library, threads, variant)
        except Error:  # damaged: made anew
            library.unlink(missing_ok=True)
    if network is None:
        library.parent.mkdir(parents=True, exist_ok=True)
        _interruptible(lambda: source.emit(flags, lambda artifact: _write(artifact, library)))
        network = Network(library, threads, variant)

    def write_onnx(more: Sequence[str], path: Path) -> None:
        if source.digest(flags) != digest:
            raise Error(f"{source.name} has changed since it was compiled")
        source.emit([*flags, *more, "--emit=onnx"], lambda artifact: _write(artifact, path))

    network._write_onnx = write_onnx
    if weights is not None:
        network.load_state_dict(weights)
    return network


def from_torch(module: Any, example: Any, **options: Any) -> Network:
    """Compiles a module of PyTorch, through torch.onnx, with its weights; the batch may be any.

    example: a tensor as the module takes it, or a tuple of them; its first dimension is the batch.
    options: those of compile; loss="cross_entropy" makes a network that can be trained.
    """
    import torch

    inputs = example if isinstance(example, tuple) else (example,)
    names = [f"input{i}" if i else "input" for i in range(len(inputs))]
    model = io.BytesIO()
    training = torch.onnx.TrainingMode.TRAINING if options.get("loss") else torch.onnx.TrainingMode.EVAL
    torch.onnx.export(module, inputs, model, input_names=names, output_names=["output"], training=training,
                      dynamic_axes={name: {0: "N"} for name in [*names, "output"]}, opset_version=13,
                      do_constant_folding=not options.get("loss"))
    return _compile(_Source(f"{type(module).__name__.lower()}.onnx", model.getvalue()), **options)
