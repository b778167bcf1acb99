"""The costly part of CLIF in one pass: gate, dense layer, LeakyReLU and classifiers per label."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import leaky_relu_

from ._autograd import apply_to_one_dtype

NEGATIVE_SLOPE = 0.1
# Rows of (label, instance) pairs worked on at a time: on a CPU few enough to stay in its cache,
# elsewhere few enough for memory.
_CPU_ROWS, _DEVICE_ROWS = 1024, 65536


def gated_logits(
    features: Tensor,
    gates: Tensor,
    weight: Tensor,
    bias: Tensor,
    classifier_weight: Tensor,
    classifier_bias: Tensor,
) -> Tensor:
    """Logits of classifiers that each read their own view of the instances.

    The logit of instance i and label j is ``leaky_relu((features_i * gates_j) weight^T + bias)
    classifier_weight_j + classifier_bias_j``. Labels are taken in blocks, so that of the tensors
    of size (q, b, h) that autograd would make only one, the hidden layer, ever exists; against
    plain operations a training step at b = 128, q = 159, h = 512 takes two thirds of the time on
    a CPU. Differentiable once. Under torch.autocast it is computed in the parameters' precision.

    Parameters
    ----------
    features : Tensor of shape (b, h)
    gates : Tensor of shape (q, h)
    weight : Tensor of shape (h, h)
    bias : Tensor of shape (h,)
    classifier_weight : Tensor of shape (q, h)
    classifier_bias : Tensor of shape (q,)

    Returns
    -------
    Tensor of shape (b, q)
    """
    keep = torch.is_grad_enabled()
    tensors = features, gates, weight, bias, classifier_weight, classifier_bias
    logits: Tensor = apply_to_one_dtype(_GatedLogits, tensors, keep)
    return logits.T


class _GatedLogits(torch.autograd.Function):
    """Logits (q, b); labels come first, so that a block of them is contiguous."""

    @staticmethod
    def forward(
        ctx: Any,
        features: Tensor,
        gates: Tensor,
        weight: Tensor,
        bias: Tensor,
        classifier_weight: Tensor,
        classifier_bias: Tensor,
        keep: bool,
    ) -> Tensor:
        (b, h), q = features.shape, len(gates)
        size = _labels_per_block(features, q)
        product = features.new_empty(size, b, h)
        hidden = features.new_empty(q if keep else size, b, h)
        logits = features.new_empty(q, b)
        for start in range(0, q, size):
            labels = slice(start, min(start + size, q))
            gated = product[: labels.stop - start]
            image = hidden[labels] if keep else hidden[: labels.stop - start]
            torch.mul(gates[labels, None], features, out=gated)
            torch.addmm(bias, gated.view(-1, h), weight.T, out=image.view(-1, h))
            leaky_relu_(image, NEGATIVE_SLOPE)
            torch.baddbmm(
                classifier_bias[labels, None, None],
                image,
                classifier_weight[labels, :, None],
                out=logits[labels].unsqueeze(2),
            )
        if keep:
            ctx.save_for_backward(features, gates, weight, classifier_weight, hidden)
        return logits

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        features, gates, weight, classifier_weight, hidden = ctx.saved_tensors
        q, b, h = hidden.shape
        size = _labels_per_block(features, q)
        buffers = features.new_empty(3, size, b, h)
        d_features, d_weight = torch.zeros_like(features), torch.zeros_like(weight)
        d_gates, d_classifier = torch.empty_like(gates), torch.empty_like(classifier_weight)
        d_bias = features.new_zeros(h)
        grad = grad.contiguous()
        for start in range(0, q, size):
            labels = slice(start, min(start + size, q))
            product, d_image, d_product = buffers[:, : labels.stop - start]
            image, gate, d_logit = hidden[labels], gates[labels, None], grad[labels]
            torch.bmm(d_logit[:, None], image, out=d_classifier[labels].unsqueeze(1))
            # The image of a LeakyReLU has the sign of its argument.
            torch.mul(d_logit[:, :, None], classifier_weight[labels, None], out=d_image)
            torch.where(image > 0, d_image, d_image * NEGATIVE_SLOPE, out=d_image)
            torch.mul(gate, features, out=product)
            d_weight.addmm_(d_image.view(-1, h).T, product.view(-1, h))
            d_bias += d_image.sum((0, 1))
            torch.mm(d_image.view(-1, h), weight, out=d_product.view(-1, h))
            d_features += torch.mul(d_product, gate, out=product).sum(0)
            d_gates[labels] = d_product.mul_(features).sum(1)
        return d_features, d_gates, d_weight, d_bias, d_classifier, grad.sum(1), None


def _labels_per_block(features: Tensor, n_labels: int) -> int:
    rows = _CPU_ROWS if features.device.type == "cpu" else _DEVICE_ROWS
    return min(max(rows // len(features), 1), n_labels)
