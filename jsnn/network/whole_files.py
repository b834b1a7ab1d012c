"""Files that are written whole or not at all, even if the process is killed or the disk is full."""

import hashlib
import os
import secrets
import shutil
from pathlib import Path


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file whole or not at all; make its directory if it does not exist.

    The content goes to a temporary file beside the file, and from there to the disk, before it
    takes the name of the file. A symbolic link stays a link to the file that is written. A device
    or a pipe is written as it is.

    Raises:
      OSError: if the file cannot be written; the message names it, and it is as it was.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
    try:
        _write_durably(temporary, content)
        if target.exists():
            shutil.copymode(target, temporary)
        replace_durably(temporary, target)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None:
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise


def write_checked(path: str | os.PathLike[str], content: bytes | memoryview) -> None:
    """Write a file whole or not at all, behind a line with the SHA-256 of its content.

    Raises:
      OSError: if the file cannot be written; the message names it, and it is as it was.
    """
    digest = hashlib.sha256(content).hexdigest()
    write_whole(path, f"{digest}\n".encode() + content)


def read_checked(path: str | os.PathLike[str]) -> bytes:
    """Return the content of a file that `write_checked` wrote.

    Raises:
      ValueError: if the file is damaged; the message names it.
    """
    digest, _, content = Path(path).read_bytes().partition(b"\n")
    if hashlib.sha256(content).hexdigest().encode() != digest:
        raise ValueError(f"{path}: damaged, since its SHA-256 is not what it was")
    return content


def replace_durably(source: Path, target: Path) -> None:
    """Give a file the name `target`, in place of another file, and bring the name to the disk."""
    os.replace(source, target)
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
