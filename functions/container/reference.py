"""`python -m functions.container.reference`: write the documents of the reference for an image."""

from functions.server import build
from functions.service.reference import reference_documents
from shared.settings.settings import Settings


def main() -> None:
    """Write the documents to where the container reads them, and print their paths."""
    for document in reference_documents(list(build(Settings()).pipeline.routes)):
        print(document.write())


if __name__ == "__main__":
    main()
