"""What a study will do, what that takes, and what it can decide: said before anything is trained."""

from overfitlab.config import QUICK
from overfitlab.records.study_record import StudyPlan, StudyRecord
from overfitlab.report.power_text import power_lines, power_table, runs_sentence
from overfitlab.report.seed_spread import known_deviation
from overfitlab.report.study_text import laid_out
from overfitlab.report.training_words import optimizer_text, recipe_notes
from overfitlab.stats.power import FEWEST
from overfitlab.study.cost import plan_seconds, run_seconds
from overfitlab.study.evidence import Runs
from overfitlab.study.plan import power, runs_in_rounds
from overfitlab.terminal.task_screen import duration
from overfitlab.terminal.training_screen import start_lines
from overfitlab.words.columns import flowing
from overfitlab.words.language import ENGLISH, Language

LONG = 30 * 60  # seconds: longer studies are told what would be shorter


def plan_text(
    record: StudyRecord, jobs: int, say: Language = ENGLISH, *, full: bool = False, width: int | None = None
) -> str:  # fmt: skip
    """Return what a study will do, what that takes, and what it can decide.

    `full` has the whole table of power; lines have at most `width` columns, None leaves them whole.
    """
    config, plan = record.config, record.plan
    labels = {method: say.method(label) for method, label in record.labels.items()}
    protocol, parts = plan.protocol, plan.parts
    each = ", ".join(
        f"{labels[method]} {duration(run_seconds(cost, protocol, parts))}" for method, cost in plan.costs.items()
    )
    rounds = runs_in_rounds(config, plan)
    lines = [
        _question(record, say),
        *([say("Contrasts: {contrasts}",
               contrasts=", ".join(f"{labels[method]} - {labels[against]}" for method, against in config.contrasts))]
          if config.contrasts else []),
        say(
            "Protocol: {name}, {training:,} training, {validation:,} validation, {test:,} test images, {epochs}, "
            "batches of {batch}, {optimizer}; {model}",
            name=protocol.name, training=parts.training, validation=parts.validation, test=parts.test,
            epochs=say.count(protocol.epochs, "epoch"), batch=protocol.batch_size,
            optimizer=optimizer_text(protocol, say), model=config.model,
        ),
        *(say("Note: {what}", what=note) for note in recipe_notes(protocol, record.labels.values(), say)),
        *start_lines(config.model, config.model_start, say),
        _takes(plan, rounds, jobs, each, say),
        *([runs_sentence(rounds, config.metric, say)] if rounds else []),
    ]  # fmt: skip
    if plan.gave_up:
        given_up = "; ".join(map(say.reason, plan.gave_up))
        lines.append(
            say("Reduced to fit the budget of {time}: {what}", time=duration(config.budget or 0), what=given_up)
        )
    elif plan_seconds(plan, jobs) > LONG and config.budget is None:
        lines.append(
            say("To make it shorter: --budget 30m reduces images and epochs, never seeds.")
            if protocol.name == QUICK.name
            else say(
                "To make it shorter: --protocol quick takes minutes; --budget 30m reduces images and epochs, "
                "never seeds."
            )
        )
    lines.append(power_text(record, say))
    text = flowing("\n".join(lines), width)
    if full and (cases := power(config, plan)).cases and plan.seeds >= FEWEST:
        text += f"\n{laid_out(power_table(cases, config.metric, say), width)}"
    return text


def _question(record: StudyRecord, say: Language) -> str:
    config, plan = record.config, record.plan
    methods = say.count(len(config.methods), "method")
    if config.until_decided is not None:
        return say("Study: {methods}, paired seeds from {first} on, until everything is decided",
                   methods=methods, first=config.first_seed)  # fmt: skip
    looks = ""
    if len(plan.looks) > 1:
        looks = say(", looked at after {seeds}", seeds=say.last_comma.join(map(str, plan.looks)))
    return say(
        "Study: {methods} at {seeds} ({first} to {last}{looks}), {runs} runs, paired by seed",
        methods=methods, seeds=say.count(plan.seeds, "seed"), first=config.first_seed,
        last=config.first_seed + plan.seeds - 1, looks=looks, runs=len(config.methods) * plan.seeds,
    )  # fmt: skip


def _takes(plan: StudyPlan, runs: Runs | None, jobs: int, each: str, say: Language) -> str:
    """Return how long it takes: of a study in rounds at best, typically and at most."""
    whole, memory = plan_seconds(plan, jobs), plan.memory_mb(jobs)
    fields = {
        "runs": say.count(jobs, "run"), "threads": say.count(plan.threads, "thread"),
        "memory": f", {memory:,} MB" if memory else "", "each": each,
    }  # fmt: skip
    if runs is None:
        return say("Takes: about {time} with {runs} at once, {threads} each{memory}; a run: {each}",
                   time=duration(whole), **fields)  # fmt: skip
    one = whole / (plan.seeds * len(plan.costs))
    least, typical = (duration(count * one) for count in (runs.least, runs.typical))
    if runs.most is None:
        return say("Takes: {least} at best, about {typical} typically, with {runs} at once, {threads} each{memory}; a "
                   "run: {each}", least=least, typical=typical, **fields)  # fmt: skip
    return say("Takes: {least} at best, about {typical} typically, {most} at most, with {runs} at once, {threads} "
               "each{memory}; a run: {each}",
               least=least, typical=typical, most=duration(runs.most * one), **fields)  # fmt: skip


def power_text(record: StudyRecord, say: Language = ENGLISH) -> str:
    """Return what the number of seeds can decide."""
    config, plan = record.config, record.plan
    if not config.contrasts:
        if plan.seeds < 2:
            return say("It can tell the outcome of one seed, but not how much the method varies.")
        return say("It can tell how much one method varies from seed to seed; with {seeds} that standard deviation "
                   "is known to within {factors}.", seeds=say.count(plan.seeds, "seed"),
                   factors=known_deviation(plan.seeds, say))  # fmt: skip
    if plan.seeds < FEWEST:
        return say("Power: none with {seeds}; a verdict needs {least} at least.",
                   seeds=say.count(plan.seeds, "seed"), least=FEWEST)  # fmt: skip
    return "\n".join(power_lines(power(config, plan), config, say))
