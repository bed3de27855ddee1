"""librnrun and librnc by ctypes: the functions of rnrun.h and rnc.h, whose failures become exceptions.

ctypes releases Python's lock (GIL) while a function runs.
"""

import ctypes
from ctypes import POINTER, c_char_p, c_double, c_int, c_int32, c_int64, c_size_t, c_uint64, c_void_p
from pathlib import Path


class Error(Exception):
    """A file, array or argument is not as it should be; the text says what was found and what was expected."""


class CompileError(Error):
    """What the compiler says: "net.graph:3:7: error: ...", the line and a caret for each mistake."""


class Diverged(Error):
    """The loss of a training step is not a finite number. No parameter has changed."""


class Array(ctypes.Structure):
    """rnrun_array."""

    _fields_ = [
        ("name", c_char_p),
        ("dtype", c_int32),
        ("rank", c_int32),
        ("dims", c_int64 * 6),
        ("data", c_void_p),
    ]


_OUT = POINTER(c_void_p)
_ARRAYS = (POINTER(Array), c_int64)
_RUN = (c_void_p, *_ARRAYS, *_ARRAYS)
_OPTIONS = (POINTER(c_char_p), c_int64)

# The arguments of the functions that return a status.
_RNRUN = {
    "rnrun_model_load": (c_char_p, _OUT),
    "rnrun_model_variant": (c_void_p, c_char_p, _OUT),
    "rnrun_model_json": (c_void_p, c_int64, c_int, _OUT),
    "rnrun_model_bench": (c_void_p, c_int, c_int64, c_int, _OUT),
    "rnrun_session_create": (c_void_p, c_int, _OUT),
    "rnrun_initialize": (c_void_p, c_uint64),
    "rnrun_load_weights": (c_void_p, c_char_p, c_int, _OUT),
    "rnrun_save_weights": (c_void_p, c_char_p),
    "rnrun_get_tensor": (c_void_p, POINTER(Array)),
    "rnrun_set_tensor": (c_void_p, POINTER(Array)),
    "rnrun_save_checkpoint": (c_void_p, c_char_p),
    "rnrun_load_checkpoint": (c_void_p, c_char_p),
    "rnrun_set_number": (c_void_p, c_char_p, c_double),
    "rnrun_infer": _RUN,
    "rnrun_evaluate": (*_RUN, POINTER(c_double)),
    "rnrun_train_step": (*_RUN, POINTER(c_double)),
    "rnrun_call": (c_void_p, c_char_p, *_ARRAYS, *_ARRAYS),
}
_RNC = {
    "rnc_compile_file": (c_char_p, *_OPTIONS, _OUT),
    "rnc_compile_text": (c_char_p, c_size_t, c_char_p, *_OPTIONS, _OUT),
    "rnc_compile_onnx": (c_char_p, c_size_t, c_char_p, *_OPTIONS, _OUT),
    "rnc_artifact_write": (c_void_p, c_char_p),
}
# Of the others: what they return, and their arguments.
_RNRUN_OTHER = {
    "rnrun_version": (c_char_p,),
    "rnrun_error_text": (c_char_p,),
    "rnrun_text_free": (None, c_void_p),
    "rnrun_model_free": (None, c_void_p),
    "rnrun_session_free": (None, c_void_p),
    "rnrun_steps": (c_int64, c_void_p),
    "rnrun_copied_bytes": (c_int64, c_void_p),
}
_RNC_OTHER = {
    "rnc_version": (c_char_p,),
    "rnc_error_text": (c_char_p,),
    "rnc_artifact_bytes": (c_void_p, c_void_p, POINTER(c_size_t)),
    "rnc_artifact_notes": (c_char_p, c_void_p),
    "rnc_artifact_free": (None, c_void_p),
    "rnc_target_text": (c_char_p, *_OPTIONS),
}

_DIVERGED = 4  # rnrun_status


def library_path(name: str) -> str:
    """Beside the package, in a build tree (build/python/rnc, build/lib) or where it is installed
    (PREFIX/lib/python3/dist-packages/rnc, PREFIX/lib), else where the system finds libraries."""
    build, lib = (Path(__file__).absolute().parents[i] for i in (2, 3))
    for directory in (build / "lib", lib, *lib.glob("*-linux-gnu")):
        if (directory / f"{name}.so.0").exists():
            return str(directory / f"{name}.so.0")
    return f"{name}.so.0"


def _load(name: str, functions: dict, others: dict, error_text: str, error: type) -> ctypes.CDLL:
    library = ctypes.CDLL(library_path(name))
    for function, (result, *arguments) in others.items():
        getattr(library, function).restype = result
        getattr(library, function).argtypes = arguments
    text = getattr(library, error_text)

    def check(status: int, *_: object) -> None:
        if status != 0:
            raise (Diverged if status == _DIVERGED else error)(text().decode())

    for function, arguments in functions.items():
        getattr(library, function).argtypes = arguments
        getattr(library, function).errcheck = check
    return library


rnrun = _load("librnrun", _RNRUN, _RNRUN_OTHER, "rnrun_error_text", Error)
_compiler: list = []


def compiler() -> ctypes.CDLL:
    """librnc, which is loaded when it is needed."""
    if not _compiler:
        _compiler.append(_load("librnc", _RNC, _RNC_OTHER, "rnc_error_text", CompileError))
    return _compiler[0]


def take_text(pointer: c_void_p) -> str:
    """A text that librnrun has given, which is freed."""
    text = ctypes.string_at(pointer).decode()
    rnrun.rnrun_text_free(pointer)
    return text


def version() -> str:
    """Of the libraries: "0.1.0"."""
    return rnrun.rnrun_version().decode()
