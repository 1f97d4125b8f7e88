"""Who wants to know how long work on data goes on: a download, the reading of a folder of images."""


class Watcher:
    """Is told what happens; the base class ignores it all.

    One task at a time: `began`, any number of `advanced`, then `ended`, also where it failed.
    """

    def began(self, task: str, total: int | None, unit: str, done: int = 0) -> None:
        """Work begins: `task` in words, how much there is (None where unknown) and how much of it is done, in `unit`.

        A unit is "B" for bytes, or a word: "images".
        """

    def advanced(self, done: int) -> None:
        """So much is done, counted from zero; called often, so it has to be quick."""

    def ended(self) -> None:
        """The task is over."""

    def said(self, text: str) -> None:
        """One line for people, for example that a mirror does not answer."""
