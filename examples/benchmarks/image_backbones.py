"""Backbones of torchvision and timm, by the calls that tests have a stand-in for.

    python examples/benchmarks/image_backbones.py --backbones resnet18 timm/resnet18

Needs torchvision and timm that fit the installed torch. Each backbone, with weights drawn and with
those of --weights (DEFAULT downloads them, or takes them from torch's cache), is trained for an
epoch on digits mosaics with each head, and once frozen.
"""

import argparse

import numpy as np

from skd2ace import ImageClassifier
from skd2ace.datasets import make_digits_mosaics
from skd2ace.metrics import mean_average_precision


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbones", nargs="+", default=["resnet18", "timm/resnet18"])
    parser.add_argument("--weights", nargs="+", default=[])
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    mosaics = make_digits_mosaics(200)
    # Of three channels, and large enough for five halvings.
    images = np.repeat(mosaics.data, 3, axis=1).repeat(4, axis=2).repeat(4, axis=3)
    for backbone in args.backbones:
        for weights in (None, *args.weights):
            for head, frozen in (("linear", False), ("ml-gcn", False), ("hst", False),
                                 ("linear", True)):  # fmt: skip
                est = ImageClassifier(
                    backbone, head, weights=weights, frozen=frozen, max_epochs=1, batch_size=32,
                    random_state=0, verbose=0, device=args.device,
                )  # fmt: skip
                est.fit(images[mosaics.train], mosaics.target[mosaics.train])
                proba = est.predict_proba(images[mosaics.test])
                score = mean_average_precision(mosaics.target[mosaics.test], proba)
                kind = "frozen" if frozen else "trained"
                print(f"{backbone:<16} {weights!s:<8} {head:<7} {kind:<8} mAP {score:.3f}")


if __name__ == "__main__":
    main()
