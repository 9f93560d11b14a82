"""The models' library, as far as it can fail to load: it wants ATB and CANN on its paths."""

import os

_LIBRARIES = {"libatb.so": "ATB_HOME_PATH", "libascendcl.so": "ASCEND_HOME_PATH"}

for _library, _variable in _LIBRARIES.items():
    _home = os.environ.get(_variable, "")
    _paths = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    if not _home or not any(path.startswith(_home + "/lib") for path in _paths):
        raise ImportError(f"{_library}: cannot open shared object file: No such file or directory")
