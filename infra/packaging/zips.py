"""Write the zips that are uploaded."""

import shutil

from infra.packaging.archive import write_zip
from infra.packaging.build import build
from infra.packaging.manifest import LAYER_ZIP, ROOT

_HOME = ROOT / ".build"


def write_zips() -> None:
    """Build for Lambda and write the zips that serverless.yml names. Raises `PackagingFailed`."""
    built = build("lambda", _HOME / "lambda")
    shutil.rmtree(_HOME / "functions", ignore_errors=True)
    write_zip(built.layer, LAYER_ZIP)
    for function, contents in built.functions.items():
        write_zip(contents, function.zip)
