"""Networks as people write them, with what makes their calls hard to follow: 4 classes, images of 3 channels."""

import random

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from overfitlab.errors import OverfitlabError
from overfitlab.methods import registry as methods
from overfitlab.models.foreign import adopt
from overfitlab.models.model import Order
from overfitlab.randomness import Key

CLASSES = 4


class Tutorial(nn.Module):
    """That of PyTorch's tutorial on CIFAR-10: one pooling, used twice; images of 32x32."""

    shape = (32, 32, 3)

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, CLASSES)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


class Functions(Tutorial):
    """The same with functions in place of all layers but those with weights, and a convolution of them too."""

    def forward(self, x):
        x = F.max_pool2d(torch.relu(F.conv2d(x, self.conv1.weight, self.conv1.bias)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x), inplace=True), kernel_size=2)
        x = x.view(x.size(0), -1)
        x = torch.clamp(F.linear(x, self.fc1.weight, self.fc1.bias), min=0)
        return self.fc3(F.relu(self.fc2(x)))


class Methods(Tutorial):
    """The same with methods of tensors."""

    def forward(self, x):
        x = F.avg_pool2d(self.conv1(x).relu(), 2)
        x = F.adaptive_avg_pool2d(self.conv2(x).relu_(), (5, 5))
        return self.fc3(self.fc2(self.fc1(x.flatten(1)).relu()).tanh())


class Small(nn.Module):
    """One convolution, one pooling, one dense layer: what the networks below vary; images of 8x8."""

    shape = (8, 8, 3)

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(36, CLASSES)

    def features(self, x):
        return self.pool(F.relu(self.conv(x)))

    def forward(self, x):
        return self.fc(self.features(x).flatten(1))


class Residual(nn.Module):
    shape = (8, 8, 3)

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.one, self.two = (nn.Conv2d(8, 8, 3, padding=1) for _ in range(2))
        self.head = nn.Linear(8, CLASSES)

    def forward(self, x):
        x = F.relu(self.stem(x))
        x = F.relu(x + self.two(F.relu(self.one(x))))
        return self.head(x.mean((2, 3)))


class Gated(nn.Module):
    shape = (8, 8, 3)

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.squeeze, self.excite = nn.Conv2d(8, 2, 1), nn.Conv2d(2, 8, 1)
        self.head = nn.Linear(8, CLASSES)

    def forward(self, x):
        x = self.conv(x)
        x = x * torch.sigmoid(x)  # SiLU, which is no gate
        gate = self.excite(F.relu(self.squeeze(F.adaptive_avg_pool2d(x, 1))))
        x = F.adaptive_avg_pool2d(x * torch.sigmoid(gate), 1)
        return self.head(x.flatten(1))


class Convolutional(nn.Module):
    shape = (8, 8, 3)

    def __init__(self):
        super().__init__()
        self.conv, self.logits = nn.Conv2d(3, 8, 3), nn.Conv2d(8, CLASSES, 1)

    def forward(self, x):
        return self.logits(F.relu(self.conv(x))).mean((2, 3))


def pooled(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 2)


class Helpers(Small):
    def forward(self, x):
        assert x.shape[1] == 3
        if x.ndim != 4:
            raise ValueError("images, please")
        x = pooled(F.relu(self.conv(x)))
        return self.fc(x.view(len(x), -1))


class DropsInTraining(Small):
    def forward(self, x):
        x = self.features(x).flatten(1)
        if self.training:
            x = F.dropout(x, 0.5)
        return self.fc(x)


class BranchesOnImages(Small):
    def forward(self, x):
        x = self.features(x) if x.mean() > 0 else self.features(-x)
        return self.fc(x.flatten(1))


class ReadsANumber(Small):
    def forward(self, x):
        return self.fc(self.features(x / max(1.0, x.abs().max().item())).flatten(1))


class LoopsOnImages(Small):
    def forward(self, x):
        for _ in range(int(x.abs().max() * 0) + 1):
            y = self.features(x)
        return self.fc(y.flatten(1))


class SkipsAtRandom(Small):
    def __init__(self):
        super().__init__()
        self.more = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x):
        x = self.features(x)
        if not self.training or random.random() < 0.5:
            x = F.relu(self.more(x))
        return self.fc(x.flatten(1))


class PoolsMoreInTraining(Small):
    def forward(self, x):
        if self.training:
            self.pool(x)
        return self.fc(self.features(x).flatten(1))


class AnotherWayForOneImage(Small):
    def forward(self, x):
        if len(x) == 1:
            return self.fc(F.avg_pool2d(F.relu(self.conv(x)), 2).flatten(1))
        return super().forward(x)


class Normalized(nn.Module):
    shape = (8, 8, 3)

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(8)
        self.fc1 = nn.Linear(32, 16, bias=False)
        self.ln = nn.LayerNorm(16)
        self.drop = nn.Dropout(0.5)
        self.fc2 = nn.Linear(16, CLASSES)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.max_pool2d(self.bn2(F.relu(self.conv2(x))), 2)
        return self.fc2(self.drop(F.relu(self.ln(self.fc1(x.flatten(1))))))


class FunctionalRegularization(Small):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(4))
        self.register_buffer("var", torch.ones(4))

    def forward(self, x):
        x = F.batch_norm(self.conv(x), self.mean, self.var, training=self.training)
        x = F.dropout2d(self.pool(F.relu(x)), 0.2, self.training)
        return self.fc(F.dropout(x, p=0.5, training=self.training).flatten(1))


class LayerNorm2d(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        x = (x - x.mean(1, keepdim=True)) / (x.var(1, keepdim=True, unbiased=False) + 1e-6).sqrt()
        return x * self.weight[:, None, None] + self.bias[:, None, None]


class OwnNorm(Small):
    def __init__(self):
        super().__init__()
        self.norm = LayerNorm2d(4)

    def forward(self, x):
        return self.fc(self.pool(F.relu(self.norm(self.conv(x)))).flatten(1))


class DropsNothing(Small):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.0)

    def forward(self, x):
        return self.fc(F.dropout(self.drop(self.features(x)), 0.0, self.training).flatten(1))


class Attending(nn.Module):
    shape = (8, 8, 3)

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.norm = nn.LayerNorm(8)
        self.attention = nn.MultiheadAttention(8, 2, dropout=0.3, batch_first=True)
        self.head = nn.Linear(8, CLASSES)

    def forward(self, x):
        x = self.norm(self.patches(x).flatten(2).transpose(1, 2))
        x, _ = self.attention(x, x, x, need_weights=False)
        return self.head(x[:, 0])


class Mixing(Tutorial):
    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x.contiguous().view(-1, 400))))))


class Viewing(nn.Module):
    shape = (8, 8, 1)

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(1, 4, 3), nn.Linear(144, CLASSES)

    def forward(self, x):
        return self.fc(F.relu(self.conv(x)).view(len(x), -1))


NETWORKS = {
    kind.__name__: kind
    for kind in (
        Tutorial, Functions, Methods, Residual, Gated, Convolutional, Helpers, DropsInTraining, BranchesOnImages,
        ReadsANumber, LoopsOnImages, SkipsAtRandom, PoolsMoreInTraining, AnotherWayForOneImage, Normalized,
        FunctionalRegularization, OwnNorm, DropsNothing, Attending, Viewing,
    )
}  # fmt: skip
MORE = {"Mixing": Mixing}


def adopted(network, method="none", *, bare=False, shape=None, seed=0, warm_up=False):
    """Return one of these networks, by its name or as something that makes it, as a model under that method."""
    make = {**NETWORKS, **MORE}[network] if isinstance(network, str) else network
    shape = shape or getattr(make, "shape", (8, 8, 3))

    def explained(error):
        return OverfitlabError("said", "{text}", text=str(error))

    order = Order("own", shape, CLASSES, methods.parse(method), Key(seed), warm_up, bare)
    return adopt(make, explained, order)
