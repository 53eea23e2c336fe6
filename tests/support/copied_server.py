"""Runs the service from the folder `CODE`, which `code_folder.running_copy` has written."""

import os
import runpy
import sys

sys.path.insert(0, os.environ["CODE"])

if __name__ == "__main__":
    runpy.run_module("functions.server", run_name="__main__")
