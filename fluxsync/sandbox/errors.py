"""What can go wrong.

SandboxError          the server cannot start; its text is for the person who started it
ApiError              a request is refused, with this HTTP status and text
└── MalformedRequest  400: the request cannot be read
"""


class SandboxError(Exception):
    """Say why the server cannot start, in one line with a cure."""


class ApiError(Exception):
    """Refuse a request. The documents name only 404; the other statuses are our reading."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class MalformedRequest(ApiError):
    """Refuse a request whose syntax is broken."""

    def __init__(self, message: str) -> None:
        super().__init__(400, message)
