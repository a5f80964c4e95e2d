"""The files below a root, and nothing else."""

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from syncline_cases.httpd.refusal import Refusal

INDEX = b"index.html"

# Not blocking, so that a named pipe cannot hold a worker in open().
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_REFUSALS = {
    errno.ENOENT: HTTPStatus.NOT_FOUND,
    errno.ENOTDIR: HTTPStatus.NOT_FOUND,
    errno.ENAMETOOLONG: HTTPStatus.NOT_FOUND,
    errno.EACCES: HTTPStatus.FORBIDDEN,
    errno.EPERM: HTTPStatus.FORBIDDEN,
    errno.ELOOP: HTTPStatus.FORBIDDEN,
    errno.ENXIO: HTTPStatus.FORBIDDEN,
    errno.EMFILE: HTTPStatus.SERVICE_UNAVAILABLE,
    errno.ENFILE: HTTPStatus.SERVICE_UNAVAILABLE,
}


@dataclass(frozen=True, slots=True)
class OpenFile:
    """An open regular file; whoever has it closes it.

    Attributes:
        name: its own name, for its type.
        modified_ns: nanoseconds since the epoch.
    """

    descriptor: int
    name: bytes
    size: int
    modified_ns: int


class Root:
    """A folder whose files are served.

    The way to a file is walked name by name from the root's descriptor, and no step follows a
    symbolic link; so no change of the tree during the walk leads outside. A link is resolved
    only to see whether its end lies below the root, and then that end is walked to likewise.

    Raises:
        OSError: the folder cannot be opened.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path).resolve()
        self._descriptor = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def close(self) -> None:
        os.close(self._descriptor)

    def open(self, segments: Sequence[bytes]) -> OpenFile:
        """The file on that way; for a folder its index.

        Raises:
            Refusal: 404 without such a file, 403 for one that must not or cannot be read, 503
                when the process is out of descriptors.
        """
        try:
            try:
                return self._walk(segments)
            except OSError as error:
                if error.errno != errno.ELOOP:
                    raise
                return self._walk(self._resolved(segments))
        except OSError as error:
            status = _REFUSALS.get(error.errno or 0, HTTPStatus.INTERNAL_SERVER_ERROR)
            raise Refusal(status) from error

    def _walk(self, segments: Sequence[bytes]) -> OpenFile:
        descriptor = parent = self._descriptor
        name = INDEX
        try:
            for name in segments:
                name = name or INDEX
                descriptor = os.open(name, _FLAGS, dir_fd=parent)
                if parent != self._descriptor:
                    os.close(parent)
                parent = descriptor
            status = os.fstat(descriptor)
            if stat.S_ISDIR(status.st_mode):
                descriptor = os.open(INDEX, _FLAGS, dir_fd=parent)
                if parent != self._descriptor:
                    os.close(parent)
                parent, name = descriptor, INDEX
                status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise PermissionError(errno.EACCES, "not a regular file")
        except BaseException:
            if parent != self._descriptor:
                os.close(parent)
            raise
        return OpenFile(descriptor, name, status.st_size, status.st_mtime_ns)

    def _resolved(self, segments: Sequence[bytes]) -> list[bytes]:
        try:
            path = self._path.joinpath(*(os.fsdecode(name or INDEX) for name in segments)).resolve()
            if path.is_dir():
                path = (path / os.fsdecode(INDEX)).resolve()
            below = path.relative_to(self._path)
        except (ValueError, RuntimeError) as error:  # outside, or links that lead in a circle
            raise Refusal(HTTPStatus.FORBIDDEN) from error
        return [os.fsencode(name) for name in below.parts]
