"""Options of a training that `train` and `compare` share; where one is not given, the API's own default holds."""

from pathlib import Path

import click

from overfitlab.config import PRECISIONS

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of a published data set.  [default: $OVERFITLAB_DATA, then the usual places]",
)
image_size_option = click.option(
    "--image-size",
    metavar="N",
    help="Resize images to NxN pixels, or HxW; 8 to 224.  [default: 32 for image files, else as they are]",
)
groups_option = click.option(
    "--groups",
    metavar="G",
    help="Keep related images in one part: a list (CSV or TSV: PATH,GROUP), or a rule with the group in "
    "brackets, 'name:^(.*?)_' for names of files, 'path:^[^/]+/([^/]+)/' for paths; 'array:NAME' of an .npz file.",
)
model_option = click.option(
    "--model",
    metavar="M",
    help="notebook_cnn, resnet20, resnet32, resnet56, vgg11, vgg16, timm:NAME, or your own: FILE.py, FILE.py:NAME or "
    "MODULE:NAME.  [default: notebook_cnn]",
)
bare_option = click.option(
    "--bare",
    is_flag=True,
    help="Remove the normalization and dropout that the model itself contains.",
)
weights_option = click.option(
    "--weights",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Initial weights: a .safetensors or PyTorch file, or the folder of a run.  [default: random]",
)
batch_size_option = click.option(
    "--batch-size", type=int, metavar="N", help="Images per step.  [default: the protocol's; 32]"
)
optimizer_option = click.option(
    "--optimizer",
    metavar="O",
    help="Optimizer: adam, adamw:weight_decay=0.01, or sgd:momentum=0.9,nesterov=true, which needs a "
    "--learning-rate of its own.  [default: the protocol's; adam]",
)
schedule_option = click.option(
    "--schedule",
    metavar="S",
    help="Schedule of the learning rate: constant, cosine, step:every=10,factor=0.1, or one-cycle; with a warm-up: "
    "cosine:warm_up=5.  [default: the protocol's; cosine under quick, else constant]",
)
keep_option = click.option(
    "--keep",
    metavar="best",
    help="Keep the weights of the epoch with the lowest validation loss, whatever the method.  [default: last]",
)
precision_option = click.option(
    "--precision",
    metavar="P",
    help=f"{', '.join(PRECISIONS[1:])}, or auto: bfloat16 if the processor supports it, else float32.  [default: auto]",
)
