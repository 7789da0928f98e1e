"""The supervisory platform of deploy/demo, as a module."""

import importlib.machinery
import importlib.util

from harness import SOURCE

SCRIPT = SOURCE / "deploy" / "demo" / "hj212-platform"
loader = importlib.machinery.SourceFileLoader("hj212_platform", str(SCRIPT))
stand_in = importlib.util.module_from_spec(importlib.util.spec_from_loader("hj212_platform", loader))
loader.exec_module(stand_in)
