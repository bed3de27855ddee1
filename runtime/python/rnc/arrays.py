"""NumPy's arrays as librnrun takes them."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

from ._libraries import Array, Error

# By rnrun_dtype, with the compiler's names.
DTYPES = {"f32": (0, np.dtype(np.float32)), "u8": (1, np.dtype(np.uint8)),
          "i32": (2, np.dtype(np.int32)), "f64": (3, np.dtype(np.float64))}
_CODES = {dtype: code for code, dtype in DTYPES.values()}
_NAMES = {dtype: name for name, (_, dtype) in DTYPES.items()}
ALIGNMENT = 64


def empty(shape: Sequence[int], dtype: Any = np.float32) -> np.ndarray:
    """As numpy.empty, at an address that networks read and write without copying (a multiple of 64 bytes)."""
    dtype = np.dtype(dtype)
    count = 1
    for size in shape:
        count *= size
    bytes_ = np.empty(count * dtype.itemsize + ALIGNMENT, np.uint8)
    start = -bytes_.__array_interface__["data"][0] % ALIGNMENT
    return np.ndarray(shape, dtype, bytes_, start)


def type_text(dtype: np.dtype, shape: Sequence[int]) -> str:
    """f32[2, 10]; a batch (-1) is N."""
    sizes = ", ".join("N" if size < 0 else str(size) for size in shape)
    return f"{_NAMES.get(dtype, dtype.name)}[{sizes}]"


def as_array(value: Any, name: str, dtype: str, shape: Sequence[int]) -> np.ndarray:
    """The value as a plain array for the argument `name`, which has this type (and -1 for the batch).

    Tensors of PyTorch are taken where they are; whole numbers become those of the argument, as labels of 64 bits;
    Python's numbers become scalars. Nothing else changes its type. Raises Error where the type or the number of
    dimensions is another.
    """
    wanted = DTYPES[dtype][1]
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    try:
        array = np.asarray(value)
    except Exception as error:
        raise Error(f"'{name}' cannot be made an array: {error}") from error
    if array.dtype != wanted:
        scalar = array.ndim == 0 and array.dtype.kind in "iuf" and wanted.kind == "f"
        labels = array.dtype.kind in "iu" and wanted.kind == "i"
        converted = array.astype(wanted) if scalar or labels else array
        if labels and not np.array_equal(converted, array):
            raise Error(f"'{name}' has numbers beyond {dtype}")
        array = converted
    if array.dtype != wanted or array.ndim != len(shape):
        raise Error(f"{type_text(array.dtype, array.shape)} given for '{name}: {type_text(wanted, shape)}'")
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)


def fill(place: Array, array: np.ndarray) -> None:
    """Sets all of the rnrun_array but its name."""
    place.dtype = _CODES[array.dtype]
    place.rank = array.ndim
    dims = place.dims
    for i, size in enumerate(array.shape):
        dims[i] = size
    place.data = array.__array_interface__["data"][0]
