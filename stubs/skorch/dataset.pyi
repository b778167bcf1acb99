from typing import Any

import torch.utils.data

class Dataset(torch.utils.data.Dataset[Any]):
    X: Any
    y: Any
    def __init__(self, X: Any, y: Any = ..., length: int | None = ...) -> None: ...
    def __len__(self) -> int: ...

class ValidSplit:
    cv: Any
    stratified: bool
    random_state: Any
    def __init__(self, cv: Any = ..., stratified: bool = ..., random_state: Any = ...) -> None: ...
    def __call__(
        self, dataset: Any, y: Any = ..., groups: Any = ..., **fit_params: Any
    ) -> tuple[Any, Any]: ...
