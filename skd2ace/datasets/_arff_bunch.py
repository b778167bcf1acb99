"""The Bunch of ``load_arff``, whose parts had other names in version 0.1."""

from typing import Any

from sklearn.utils import Bunch

from skd2ace._renamed import warn_of_old_name

_RENAMED = {"X": "data", "Y": "target", "label_names": "target_names"}


class ArffBunch(Bunch):
    """A Bunch that takes the names of version 0.1 for those of today, with a FutureWarning.

    It takes them wherever a name is given: as item and attribute, read or set, by ``get`` and
    ``in``. What goes through the names, such as ``dict(bunch)`` and ``**bunch``, meets today's
    only. A pickle names this class, which must therefore outlast the old names.
    """

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(self._current(key))

    def __getattr__(self, key: str) -> Any:
        try:
            return super().__getitem__(self._current(key))
        except KeyError:
            raise AttributeError(key) from None

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(self._current(key), value)

    def __setattr__(self, key: str, value: Any) -> None:
        super().__setitem__(self._current(key), value)

    def __contains__(self, key: Any) -> bool:
        return super().__contains__(self._current(key))

    def get(self, key: Any, default: Any = None) -> Any:
        """Return the part of that name, or the default where there is none."""
        return super().get(self._current(key), default)

    def _current(self, key: Any) -> Any:
        """Return the name of today; a part that the user has put in by an old name has that one."""
        if key not in _RENAMED or super().__contains__(key):
            return key
        warn_of_old_name(f"{key!r} of load_arff's Bunch", repr(_RENAMED[key]), stacklevel=3)
        return _RENAMED[key]
