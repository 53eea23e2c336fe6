"""The exceptions of the image check.

Exception
├── ImageCheckFailed  the image is faulty or couldn't be built
└── CannotBuildHere   this machine can't build images; the image wasn't checked
"""


class ImageCheckFailed(Exception):
    """The image is faulty or couldn't be built; the message says why."""


class CannotBuildHere(Exception):
    """This machine can't build images; the message says what is missing."""
