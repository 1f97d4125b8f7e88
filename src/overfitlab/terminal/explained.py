"""What a person at a terminal sees of an explanation."""

from collections.abc import Sequence

from overfitlab.display import display_name
from overfitlab.inference.explanation import Explanation
from overfitlab.words.language import ENGLISH, Language


def explanation_line(image: Explanation, class_names: Sequence[str], say: Language = ENGLISH) -> str:
    """Return an image's line: what it was taken for, and where its map is strongest."""
    predicted, explained = (class_names[number] for number in (image.predicted, image.explained))
    text = f"{display_name(image.file)}  {predicted} {image.probabilities[image.predicted]:.3f}"
    if image.explained != image.predicted:
        probability = f"{image.probabilities[image.explained]:.3f}"
        text += say("  (map of {name} {probability})", name=explained, probability=probability)
    return text
