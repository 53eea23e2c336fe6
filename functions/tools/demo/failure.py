"""What ends the demo early."""


class DemoFailed(Exception):
    """The demo can't go on; the message is one sentence for the person at the terminal."""


class Refused(DemoFailed):
    """The service answered with an error; `code` is the API's."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code
