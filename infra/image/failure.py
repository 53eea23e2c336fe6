"""How a check of the image ends when it doesn't end well.

Exception
├── ImageFailed      the image is not as it must be, or couldn't be built
└── CannotBuildHere  this machine lacks something; nothing is known about the image
"""


class ImageFailed(Exception):
    """The image is not as it must be; the message says what is wrong."""


class CannotBuildHere(Exception):
    """Images can't be built on this machine; the message says what is missing."""
