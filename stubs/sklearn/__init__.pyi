from typing import Any

__version__: str

# All else is as untyped as before.
def __getattr__(name: str) -> Any: ...
