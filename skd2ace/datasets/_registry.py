"""The data sets that :func:`fetch_mulan` knows: facts, files and checksums, as plain data."""

from typing import NamedTuple

MULAN_COMMIT = "43f6389"  # its short form: no other is known
_GITHUB = f"https://github.com/tsoumakas/mulan/tree/{MULAN_COMMIT}/data/multi-label/"
_LISTED = "https://mulan.sourceforge.net/datasets-mlc.html"

_KATAKIS = (
    "Katakis, Tsoumakas and Vlahavas (2008). Multilabel text classification for automated tag "
    "suggestion. ECML/PKDD Discovery Challenge."
)
_LEWIS = (
    "Lewis, Yang, Rose and Li (2004). RCV1: a new benchmark collection for text categorization "
    "research. JMLR 5, 361-397."
)
_UEDA = "Ueda and Saito (2002). Parametric mixture models for multi-labeled text. NIPS 15."


class MulanSet(NamedTuple):
    """A data set of MULAN's collection, as :func:`mulan_registry` lists it.

    Examples
    --------
    >>> from skd2ace.datasets import mulan_registry
    >>> mulan_registry()["scene"].arff
    ('scene-train.arff', 'scene-test.arff')
    """

    name: str
    """As :func:`fetch_mulan` takes it."""
    n_instances: int
    n_features: int
    """Attributes that are no labels; X has more columns where some of them are nominal."""
    n_labels: int
    cardinality: float
    """Labels that an instance has on average."""
    density: float
    """Cardinality over the number of labels."""
    domain: str
    citation: str
    folder: str
    """Where the files stand, below the data home."""
    arff: tuple[str, ...]
    """One file, or the training and the test part."""
    xml: str
    sha256: dict[str, str]
    """Checksums, by file name, of the files that the facts here were measured on; or empty."""
    is_downloadable: bool
    """Whether the files stand in MULAN's GitHub repository and their checksums are known."""
    source: str
    """Where the files can be had."""
    top_fraction: float | None
    """Share of MULAN's features, those of the largest sums, that the papers keep; None for all."""
    note: str


def _set(
    name: str,
    facts: tuple[int, int, int, float],
    domain: str,
    citation: str,
    *,
    folder: str = "",
    arff: tuple[str, ...] = (),
    source: str = "",
    top_fraction: float | None = None,
    note: str = "",
) -> MulanSet:
    """Fill in what follows from the rest."""
    n, d, q, cardinality = facts
    folder = folder or name
    arff, xml = arff or (f"{name}.arff",), f"{name}.xml"
    sums = {file: _SHA256[file] for file in (*arff, xml) if file in _SHA256}
    density = round(cardinality / q, 4)
    # Checksums of files from elsewhere are those of rebuilt editions.
    is_downloadable = bool(sums) and not source
    source = source or _GITHUB + folder
    return MulanSet(
        name, n, d, q, cardinality, density, domain, citation, folder, arff, xml, sums,
        is_downloadable, source, top_fraction, note,
    )  # fmt: skip


_SHA256 = {
    "cal500.arff": "cfe6097ba5fd6e8584e54911ab9783dcab34e898446b7c9370c71d477eae56d3",
    "cal500.xml": "877e128531268d7661faa3e44f7bb43cbcda829c0895e49879168775b192728c",
    "birds-train.arff": "8f215db6ee163149901e753977f631ba8bea0e0e8e1abc42b234414822f8ae36",
    "birds-test.arff": "51ba6326d65ccdd7c755b6461280eb6d2769c7f59d8e12fd4250f91e6ca28326",
    "birds.xml": "0f4ea547b2b3d538c8402662daf689e0d4520cc8b4f5ba113c2e7c01700f010f",
    "enron.arff": "d0889ef0576d4e7b5ec0df3b3e4760e476ac11a6e7d7ddeee4c4a34470dedf97",
    "enron.xml": "ed40c92d7f613eed51714912cab10dddc4ce456262137d8fef230d44c7f4457b",
    "scene-train.arff": "b53ba93bdf412de922e3960389bcee24744fa3e872ce610511fc1d750888b64d",
    "scene-test.arff": "ea38d20296b3ff7e220f477a3b802a9bcb2d768881fe6ee163efbc97ea527a42",
    "scene.xml": "55d8b247b949ad5c52e5a73d8c6775ec6e5469ce9682465b45b333b68ee4bcc5",
    "yeast.arff": "55c07a3b6ff885ae338fb6987a1d57f55572b29809922c2822c4885c61230dd7",
    "yeast.xml": "c3056cc26444b5158b1588d1b73bec9c45429e10f0957ad085903423cb81f247",
    "Corel5k-sparse.arff": "12c06161d2367f919f6da912089a6c9180c115cfcefa37afacfdeb903930eb7e",
    "Corel5k.xml": "54ef6a6ccb7ca9b77524052b34b306d5d501661a5609b9d1cc7085b2b597679d",
    "rcv1subset1.arff": "a537d36e959fc9330be3668b475d085413240705c3cfbe21ec642671c0b1939e",
    "rcv1subset1.xml": "d0b05cb7b3e0c8f4e07395a76b8a234f24aa92f84e4277d7ecebeaad668d57bf",
    "rcv1subset2.arff": "be9dc36ea609630319de957fca0f9ab354e84552060a274298c99a4a4e04d0cc",
    "rcv1subset2.xml": "d0b05cb7b3e0c8f4e07395a76b8a234f24aa92f84e4277d7ecebeaad668d57bf",
    "bibtex.arff": "a282a6d1fb3cdaf39bde3f81cd4e6079850a7a538a6bc44f8b4ed95dfe1e5014",
    "bibtex.xml": "08fe20013c1e75dcf1888c185f5187c95e76495b8518ce289b4d3afce38d1232",
    "LLOG-F.arff": "dea319de884e277a42ba65d2e41e92f04e08f1d272b9a7036f5d76def85f4cad",
    "LLOG-F.xml": "67ef662e4e68b20564acd1a41d2f1c571e068de03dd9c480cacdcdfb3aa7bc2a",
    "yahoo-Arts-small.arff": "d9104ecc347d0e53d5d2b545e3fbe6c26a44d5e3cd4e9e1578966caeca858649",
    "yahoo-Arts-small.xml": "d0f107cb9c0c5a3200eceeea327d5bb2f99c46fbdc894cfdb3b4c232f9d9d0f8",
    "emotions.arff": "6f2f790047073d1293ac0872c0d55f2dc98b6177802fc96c6b66b309dfee1e4b",
    "emotions.xml": "dbce8e6ccbbb2fcbfd9e9edbb230d7ed12692c6e13f59fdbc0161fa9b6cf2dc0",
    "flags.arff": "d3ed8b5683f1b27e68069aad2c29388bb57d4caa5041b559e646cc3854a0cd1e",
    "flags.xml": "7c9ed21a91b716b91f811323e20ee5a260ea2da62a5edcfeb1b91ec855a48f17",
}

_SETS = (
    _set(
        "cal500",
        (502, 68, 174, 26.0438),
        "music",
        "Turnbull, Barrington, Torres and Lanckriet (2008). Semantic annotation and retrieval of "
        "music and sound effects. IEEE TASLP 16(2), 467-476.",
    ),
    _set(
        "birds",
        (645, 260, 19, 1.0140),
        "audio",
        "Briggs et al. (2013). The 9th annual MLSP competition: new methods for acoustic "
        "classification of multiple simultaneous bird species in a noisy environment. MLSP.",
        arff=("birds-train.arff", "birds-test.arff"),
    ),
    _set(
        "enron",
        (1702, 1001, 53, 3.3784),
        "text",
        "Read, Pfahringer and Holmes (2008). Multi-label classification using ensembles of pruned "
        "sets. ICDM; from the UC Berkeley Enron email analysis project.",
    ),
    _set(
        "scene",
        (2407, 294, 6, 1.0740),
        "images",
        "Boutell, Luo, Shen and Brown (2004). Learning multi-label scene classification. Pattern "
        "Recognition 37(9), 1757-1771.",
        arff=("scene-train.arff", "scene-test.arff"),
    ),
    _set(
        "yeast",
        (2417, 103, 14, 4.2371),
        "biology",
        "Elisseeff and Weston (2002). A kernel method for multi-labelled classification. NIPS 14.",
    ),
    _set(
        "Corel5k",
        (5000, 499, 374, 3.5220),
        "images",
        "Duygulu, Barnard, de Freitas and Forsyth (2002). Object recognition as machine "
        "translation: learning a lexicon for a fixed image vocabulary. ECCV.",
        folder="corel5k",
        arff=("Corel5k-sparse.arff",),
    ),
    _set(
        "rcv1subset1",
        (6000, 944, 101, 2.8797),
        "text",
        _LEWIS,
        source=_LISTED,
        top_fraction=0.02,
        note="Measured on an edition rebuilt from a public one: 944 features of 0 and 1, no "
        "names. MULAN's has 47236 features.",
    ),
    _set(
        "rcv1subset2",
        (6000, 944, 101, 2.6342),
        "text",
        _LEWIS,
        source=_LISTED,
        top_fraction=0.02,
        note="Measured on an edition rebuilt as that of rcv1subset1.",
    ),
    _set(
        "rcv1subset3",
        (6000, 944, 101, 2.614),
        "text",
        _LEWIS,
        source=_LISTED,
        top_fraction=0.02,
        note="MULAN's has 47236 features.",
    ),
    _set(
        "bibtex",
        (7395, 1836, 159, 2.4019),
        "text",
        _KATAKIS,
    ),
    _set(
        "yahoo-Arts",
        (7484, 2314, 25, 1.67),
        "text",
        _UEDA,
        source=_LISTED,
        top_fraction=0.1,
        note="As the papers have it; MULAN's has more features.",
    ),
    _set(
        "yahoo-Arts-small",
        (5000, 462, 26, 1.636),
        "text",
        _UEDA,
        source=_LISTED,
        note="Measured on an edition rebuilt from a public one, of fewer instances and features.",
    ),
    _set(
        "yahoo-Business",
        (11214, 2192, 28, 1.47),
        "text",
        _UEDA,
        source=_LISTED,
        top_fraction=0.1,
        note="As the papers have it; MULAN's has more features.",
    ),
    _set(
        "mediamill",
        (43907, 120, 101, 4.376),
        "video",
        "Snoek, Worring, van Gemert, Geusebroek and Smeulders (2006). The challenge problem for "
        "automated detection of 101 semantic concepts in multimedia. ACM Multimedia, 421-430.",
    ),
    _set(
        "tmc2007",
        (28596, 490, 22, 2.158),
        "text",
        "Srivastava and Zane-Ulman (2005). Discovering recurring anomalies in text reports "
        "regarding complex space systems. IEEE Aerospace Conference.",
        top_fraction=0.01,
        note="As the papers have it; MULAN's has 49060 features.",
    ),
    _set(
        "LLOG-F",
        (1459, 1004, 75, 1.1803),
        "text",
        "Read (2010). Scalable multi-label classification. PhD thesis, University of Waikato.",
        source="https://sourceforge.net/projects/meka/files/Datasets/",
        note="Measured on an edition rebuilt from a public one. The Hard-Imb paper lists 1460 "
        "instances and a cardinality of 15.93.",
    ),
    _set(
        "emotions",
        (593, 72, 6, 1.8685),
        "music",
        "Trohidis, Tsoumakas, Kalliris and Vlahavas (2008). Multilabel classification of music "
        "into emotions. ISMIR, 325-330.",
    ),
    _set(
        "flags",
        (194, 19, 7, 3.3918),
        "images",
        "Goncalves, Plastino and Freitas (2013). A genetic algorithm for optimizing the label "
        "ordering in multi-label classifier chains. ICTAI.",
    ),
    _set(
        "genbase",
        (662, 1186, 27, 1.252),
        "biology",
        "Diplaris, Tsoumakas, Mitkas and Vlahavas (2005). Protein classification with multiple "
        "algorithms. PCI.",
        note="Its first feature names the instance: leave out the columns 'protein=...'.",
    ),
    _set(
        "medical",
        (978, 1449, 45, 1.245),
        "text",
        "Pestian et al. (2007). A shared task involving multi-label classification of clinical "
        "free text. BioNLP.",
    ),
    _set(
        "delicious",
        (16105, 500, 983, 19.020),
        "text",
        "Tsoumakas, Katakis and Vlahavas (2008). Effective and efficient multilabel classification "
        "in domains with large number of labels. MMD'08.",
    ),
    _set("bookmarks", (87856, 2150, 208, 2.028), "text", _KATAKIS),
)


def mulan_registry() -> dict[str, MulanSet]:
    """Facts about the data sets that :func:`fetch_mulan` knows.

    Returns
    -------
    dict of str to MulanSet
        Named tuples, of which ``pandas.DataFrame(mulan_registry().values())`` makes a table.

    Notes
    -----
    Numbers were measured on the files where ``sha256`` is given. The others are those of MULAN's
    own table, or of the D2ACE and Hard-Imb papers where ``note`` says so.

    Examples
    --------
    >>> from skd2ace.datasets import mulan_registry
    >>> yeast = mulan_registry()["yeast"]
    >>> yeast.n_instances, yeast.n_features, yeast.n_labels
    (2417, 103, 14)
    >>> [name for name, entry in mulan_registry().items() if entry.n_labels > 300]
    ['Corel5k', 'delicious']
    """
    return {entry.name: entry for entry in _SETS}
