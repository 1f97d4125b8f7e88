"""What a gate says, in a line."""

from overfitlab.interop.gate import OPPOSITE, SHOWN, Passed
from overfitlab.words.language import ENGLISH, Language


def gate_line(passed: Passed, say: Language = ENGLISH) -> str:
    """Return whether a claim was shown, at which level, and which attempt it was."""
    fields = {"claim": passed.claim, "level": f"{passed.alpha:.3g}", "code": passed.exit_code}
    if passed.exit_code == SHOWN:
        line = say("Shown: {claim}, at the significance level {level} (exit code {code}).", **fields)
    elif passed.exit_code == OPPOSITE:
        line = say("The opposite was shown: {claim}, at the significance level {level} (exit code {code}).", **fields)
    else:
        line = say("Not shown: {claim}, at the significance level {level} (exit code {code}).", **fields)
    if passed.attempt is None:
        return line
    if passed.again:
        return f"{line} {say('Attempt {number} in the ledger, the same files again.', number=passed.attempt)}"
    return f"{line} {say('Attempt {number} in the ledger.', number=passed.attempt)}"
