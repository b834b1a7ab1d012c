"""File of NumPy that grows by rows, so that no more than a few of them are ever in memory."""

import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np


class RowFile:
    """An .npy file to which rows are appended.

    `np.load` reads the rows up to the last `sync`, also while more are appended. NumPy leaves room
    in the header for the number of rows to grow.
    """

    def __init__(self, path: Path, like: Any, num_rows: int) -> None:
        """Make the file, or remove all but its first rows.

        Args:
          path: of the file.
          like: the shape and the dtype of a row.
          num_rows: the number of rows to keep; 0 makes a new file.

        Raises:
          ValueError: if the file does not have that many rows.
        """
        self.path = path
        self.num_rows = num_rows
        self._shape, self._dtype = like.shape, np.dtype(like.dtype)
        self._bytes_of_row = self._dtype.itemsize * int(np.prod(self._shape))
        with path.open("r+b" if num_rows and path.exists() else "w+b") as file:
            self._write_header(file)
            end = file.tell() + num_rows * self._bytes_of_row
            if file.seek(0, os.SEEK_END) < end:
                raise ValueError(
                    f"{path}: holds fewer than {num_rows} rows; expected all that the run has "
                    "saved (remove the directory to start anew)"
                )
            file.truncate(end)

    def append(self, rows: np.ndarray) -> None:
        """Append rows [n, ...]."""
        with self.path.open("ab") as file:
            rows.tofile(file)
        self.num_rows += len(rows)

    def sync(self) -> None:
        """Bring all rows to the disk."""
        with self.path.open("r+b") as file:
            self._write_header(file)
            file.flush()
            os.fsync(file.fileno())

    def rows(self) -> np.ndarray:
        """Return all rows, memory-mapped."""
        self.sync()
        is_empty = self.num_rows * self._bytes_of_row == 0  # and cannot be mapped
        return np.load(self.path, mmap_mode=None if is_empty else "r")

    def _write_header(self, file: BinaryIO) -> None:
        shape = (self.num_rows, *self._shape)
        descr = np.lib.format.dtype_to_descr(self._dtype)
        header = {"descr": descr, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
