"""How every part of the server says no."""

from http import HTTPStatus


class Refusal(Exception):
    """The request is answered with this status instead."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(f"{status.value} {status.phrase}")
        self.status = status
