"""The XML in which MULAN names the labels of a data set."""

from pathlib import Path

from ._arff_header import ArffError

# 983 labels take 40 kB.
_MAX_BYTES = 16 * 2**20


def read_label_names(path: Path) -> list[str]:
    """Names of the labels, in the order of the file; those of a hierarchy too.

    Parameters
    ----------
    path : path
        ``<labels><label name="…"/></labels>``.

    Returns
    -------
    list of str

    Raises
    ------
    ArffError
        If it is no such file, is absurdly large, or declares a document type or entities: a file
        of labels needs neither, and both are ways to attack a reader.
    """
    try:
        from defusedxml import DefusedXmlException
        from defusedxml.ElementTree import ParseError, fromstring
    except ImportError as error:
        raise ImportError(
            "The XML of the labels is read by defusedxml: `pip install 'skd2ace[data]'`."
        ) from error

    with path.open("rb") as file:
        text = file.read(_MAX_BYTES + 1)
    if len(text) > _MAX_BYTES:
        raise ArffError(path, None, f"the XML of the labels is larger than {_MAX_BYTES} bytes")
    try:
        root = fromstring(text, forbid_dtd=True)
    except ParseError as error:
        raise ArffError(path, error.position[0], f"this is no well-formed XML: {error}") from None
    except DefusedXmlException as error:
        problem = f"document types and entities are refused: {error}"
        raise ArffError(path, None, problem) from None
    except (ValueError, LookupError) as error:
        raise ArffError(path, None, f"the XML cannot be decoded: {error}") from None
    names = [node.get("name") for node in root.iter() if node.tag.rpartition("}")[2] == "label"]
    if not names or None in names:
        raise ArffError(path, None, "there is no <label>, or one without a name")
    return names
