"""Without a GPU, Triton's kernels run on its interpreter, which it asks for when imported."""

import os
from pathlib import Path

if not Path("/dev/nvidiactl").exists():
    os.environ.setdefault("TRITON_INTERPRET", "1")
