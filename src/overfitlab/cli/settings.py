"""Options of a training that `train` and `compare` share; where one is not given, the API's own default holds."""

from pathlib import Path

import click

from overfitlab.config import PRECISIONS

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder that holds a published set.  [default: $OVERFITLAB_DATA, then the usual places]",
)
image_size_option = click.option(
    "--image-size",
    metavar="N",
    help="Resize images to NxN pixels, or HxW; 8 to 224.  [default: 32 for image files, else as they are]",
)
model_option = click.option(
    "--model",
    metavar="M",
    help="notebook_cnn, resnet20, resnet32, resnet56, vgg11, vgg16, timm:NAME, or your own: FILE.py, FILE.py:NAME or "
    "MODULE:NAME.  [default: notebook_cnn]",
)
weights_option = click.option(
    "--weights",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Weights to begin with: a .safetensors or PyTorch file, or the folder of a run.  [default: fresh ones]",
)
batch_size_option = click.option(
    "--batch-size", type=int, metavar="N", help="Images a step.  [default: the protocol's; 32]"
)
precision_option = click.option(
    "--precision",
    metavar="P",
    help=f"{', '.join(PRECISIONS[1:])}, or auto: bfloat16 where the processor has instructions for it, else float32.  "
    "[default: auto]",
)
