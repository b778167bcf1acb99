"""A backbone and a head: images to logits."""

from typing import Any, cast

from torch import Tensor, nn

from ._loss import LossOutput


class ImageNetwork(nn.Module):
    """Logits of images, by a head on the features of a backbone.

    Parameters
    ----------
    backbone : nn.Module
        Maps images (b, c, h, w) to features (b, channels) or maps (b, channels, h', w').
    head : nn.Module
        Maps these to logits (b, q).
    backbone_lr_ratio : float, default=1.0
        Share of the learning rate at which the backbone learns.
    """

    def __init__(
        self, backbone: nn.Module, head: nn.Module, backbone_lr_ratio: float = 1.0
    ) -> None:
        super().__init__()
        self.backbone_lr_ratio = backbone_lr_ratio
        self.backbone = backbone
        self.head = head

    def lr_ratios(self) -> list[tuple[list[nn.Parameter], float]]:
        """Parameters that learn at a rate of their own."""
        parameters = list(self.backbone.parameters())
        return [(parameters, self.backbone_lr_ratio)] if self.backbone_lr_ratio != 1 else []

    def fit_label_graph(self, Y: Tensor, cell_weight: Tensor | None = None) -> None:
        """Show the labels to train on to a head that looks at them."""
        if hasattr(self.head, "fit_label_graph"):
            cast(Any, self.head).fit_label_graph(Y, cell_weight)

    def forward(self, X: Tensor) -> Tensor:
        """Map images (b, c, h, w) to logits (b, q)."""
        logits: Tensor = self.head(self.backbone(X))
        return logits


class OwnLossImageNetwork(ImageNetwork):
    """The same of a head with a loss of its own."""

    def training_loss(
        self,
        X: Tensor,
        Y: Tensor,
        weights: Tensor | None = None,
        *,
        instance_weights: Tensor | None = None,
    ) -> LossOutput:
        """Loss of the head, on the features of the backbone."""
        out: LossOutput = cast(Any, self.head).training_loss(
            self.backbone(X), Y, weights, instance_weights=instance_weights
        )
        return out


class LinearHead(nn.Module):
    """One linear classifier per label, on each channel's mean over positions.

    Parameters
    ----------
    n_channels, n_labels : int
    """

    def __init__(self, n_channels: int, n_labels: int) -> None:
        super().__init__()
        self.classifier = nn.Linear(n_channels, n_labels)

    def forward(self, features: Tensor) -> Tensor:
        """Map features (b, n_channels), or maps (b, n_channels, h, w), to logits (b, q)."""
        logits: Tensor = self.classifier(
            features.flatten(2).mean(2) if features.ndim > 2 else features
        )
        return logits
