"""Downloading a file whose checksum is known."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

_RETRIES = 3
# In seconds: a machine without a network is to say so soon, and one with a slow one may wait.
_TO_CONNECT, _TO_READ = 5, 30


def download_file(url: str, path: Path, sha256: str) -> Path:
    """Download a file, and move it to its place if it is the one expected.

    What breaks off, answers with an error or has another checksum is tried again, after a second
    or more each time. Where nobody can be reached, waiting would change nothing.

    Parameters
    ----------
    url : str
    path : path
        Where to put it; its folder is made.
    sha256 : str

    Returns
    -------
    path

    Raises
    ------
    OSError
        If it cannot be downloaded.
    """
    try:
        import pooch
        from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ProxyError
    except ImportError as error:
        raise ImportError("Downloads need pooch: `pip install 'skd2ace[data]'`.") from error

    download = pooch.HTTPDownloader(
        progressbar=find_spec("tqdm") is not None, timeout=(_TO_CONNECT, _TO_READ)
    )

    def download_at_once(url: str, file: Any, store: Any) -> None:
        try:
            download(url, file, store)
        except OSError as error:
            cause = _reason(error)
            if isinstance(cause, (ConnectTimeoutError, NewConnectionError, ProxyError)):
                # Pooch tries again after errors of requests and ValueErrors only.
                raise ConnectionError(f"it cannot be reached: {cause}") from error
            raise

    store = pooch.create(
        path=path.parent,
        base_url=url.removesuffix(path.name),
        registry={path.name: f"sha256:{sha256}"},
        retry_if_failed=_RETRIES,
    )
    try:
        return Path(store.fetch(path.name, downloader=download_at_once))
    except ValueError as error:
        # So pooch says that the checksum is another.
        raise OSError(str(error)) from error


def _reason(error: OSError) -> object:
    """Return the error of urllib3 for which requests gave up connecting, None for other errors."""
    return getattr(error.args[0] if error.args else None, "reason", None)
