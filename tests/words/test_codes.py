"""Codes: each names one sentence in every language, and every error that reaches a user has one."""

import ast
import pickle
import string
from concurrent.futures import ThreadPoolExecutor

import codes
import pytest

from overfitlab.data.catalog.servers import ServerError
from overfitlab.data.prepare.images import UnreadableImageError
from overfitlab.errors import DamagedError, DataError, OverfitlabError, UsageError, unknown_name
from overfitlab.reasons import Reason, reason
from overfitlab.records import older
from overfitlab.words.language import ENGLISH, NOUNS, PARTICLES
from overfitlab.words.languages import CODES, language_named, speak, spoken

OTHERS = [code for code in CODES if code != "en"]
NUMERIC = set("bcdeEfFgGnoxX%,")  # how a form of a number ends


def templates():
    """Return the template of every code of an error."""
    return {use.codes[0]: use.template for use in codes.errors() if use.template is not None and use.codes}


def sample(template):
    """Return a value for each field of an English template, of a type that its form takes."""
    forms = codes.fields(template)
    return {name: 3 if form and form[-1] in NUMERIC and ":" in form else "x" for name, form in forms.items()}


def test_every_error_has_a_code_and_a_template_written_out():
    for use in codes.errors():
        assert use.arguments == 2, f"{use.place}: OverfitlabError(code, template, name=value, ...)"
        assert use.codes is not None, f"{use.place}: the code is no literal"
        assert len(use.codes) == 1, f"{use.place}: two codes share a template"
        assert use.template is not None, f"{use.place}: the template is no literal"


def test_a_code_has_one_template():
    found = {}
    for use in codes.errors():
        if use.template is not None:
            first = found.setdefault(use.codes, use)
            assert first.template == use.template, f"{use.codes}: {first.place} and {use.place}"


def test_codes_are_words_in_snake_case():
    for code in {*templates(), *ENGLISH.reasons}:
        assert set(code) <= {*string.ascii_lowercase, *string.digits, "_"}, code


def test_an_error_has_the_values_that_its_template_names():
    for use in codes.errors():
        if use.template is not None and use.names is not None:
            assert use.names == codes.fields(use.template).keys(), use.place


def test_a_code_is_one_of_an_error_or_of_a_reason():
    assert templates().keys() & ENGLISH.reasons.keys() == set()


@pytest.mark.parametrize("language", [ENGLISH, *map(language_named, OTHERS)], ids=lambda language: language.code)
def test_every_reason_has_a_sentence_and_no_sentence_is_left_over(language):
    written = [use for use in codes.reasons() if not use.place.startswith("records/older.py")]
    assert all(use.codes is not None for use in written), "a code is no literal"
    used = {code for use in written for code in use.codes} | {code for code, _ in older.SENTENCES}
    assert used - language.reasons.keys() == set(), "without a sentence"
    assert language.reasons.keys() - used == set(), "no longer used"


def test_a_reason_has_the_values_that_its_sentence_names():
    for use in codes.reasons():
        if use.names is not None and use.arguments == 1:
            for code in use.codes:
                assert codes.fields(ENGLISH.reasons[code]).keys() <= use.names, use.place


@pytest.mark.parametrize("code", OTHERS)
def test_every_error_is_translated_and_nothing_else(code):
    translated = language_named(code).errors
    assert templates().keys() - translated.keys() == set(), "without a translation"
    assert translated.keys() - templates().keys() == set(), "no longer used"


@pytest.mark.parametrize("code", OTHERS)
def test_translations_name_only_values_that_there_are(code):
    language = language_named(code)
    for english, own in ((templates(), language.errors), (ENGLISH.reasons, language.reasons)):
        for name, template in own.items():
            assert codes.fields(template).keys() <= codes.fields(english[name]).keys(), name


@pytest.mark.parametrize("code", OTHERS)
def test_translations_can_be_filled(code):
    language = language_named(code)
    for name, template in templates().items():
        values = sample(template)
        said = language.error(OverfitlabError(name, template, **values))
        assert "{" not in said, name
    for name, template in ENGLISH.reasons.items():
        assert language.reason(Reason(name, sample(template))), name


@pytest.mark.parametrize("code", OTHERS)
def test_numbers_keep_their_form_and_take_no_particle(code):
    language = language_named(code)
    for name, template in templates().items():
        english, own = codes.fields(template), codes.fields(language.errors[name])
        for field, form in own.items():
            if any(form.endswith(f":{particle}") for particle in PARTICLES):
                assert ":" not in english[field], f"{name}: {field} is a number"
            else:
                assert form == english[field] or field in NOUNS, f"{name}: {field}"


def nouns():
    """Return the English words that the code puts into the fields that are translated."""

    for tree in codes.sources().values():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.id if isinstance(node.func, ast.Name) else None
            if called in ("unknown_name", "check_whole", "_one_of") and isinstance(node.args[0], ast.Constant):
                yield node.args[0].value
            for keyword in node.keywords:
                if keyword.arg in NOUNS and called in codes.kinds() and isinstance(keyword.value, ast.Constant):
                    yield keyword.value.value


@pytest.mark.parametrize("code", OTHERS)
def test_nouns_are_translated(code):
    assert set(nouns()) - language_named(code).nouns.keys() == set()


def test_an_error_survives_pickling_with_code_and_values():
    inner = DataError("image_file_empty", "it is empty")
    error = DamagedError("set_damaged", "{path}: {reason}; {count:,}", path="a", reason=inner, count=3000)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is DamagedError
    assert str(again) == str(error) == "a: it is empty; 3,000"
    assert (
        (again.code, again.values)
        == (error.code, error.values)
        == (
            "set_damaged",
            {"path": "a", "reason": "it is empty", "count": 3000},
        )
    )
    assert again.inner["reason"].code == "image_file_empty"


def test_what_a_kind_has_besides_survives_pickling():
    image = pickle.loads(pickle.dumps(UnreadableImageError("image_unreadable", "{reason}", passing=True, reason="no")))
    assert (image.passing, str(image)) == (True, "no")
    server = pickle.loads(pickle.dumps(ServerError("connection_broke", "the connection broke", again=True)))
    assert (server.again, server.code) == (True, "connection_broke")


def test_an_error_without_a_code_keeps_its_text():
    error = pickle.loads(pickle.dumps(UsageError("braces {stay}")))
    assert (str(error), error.code, language_named("ko").error(error)) == ("braces {stay}", "", "braces {stay}")


def test_an_error_in_another_language():
    korean = language_named("ko")
    error = unknown_name("method", "dropuot", ["dropout"])
    assert korean.error(error) == "알 수 없는 기법입니다: 'dropuot'. 혹시 'dropout'인가요?"
    assert ENGLISH.error(error) == str(error) == "unknown method 'dropuot'; did you mean 'dropout'?"


def test_an_error_within_another_is_translated_too():
    inner = DataError("idx_too_short", "{member} is not an IDX file: it is too short", member="train")
    error = DataError(
        "set_damaged",
        "{path}: {reason}; fetch {title} again: overfitlab data fetch {name}",
        path="p",
        reason=inner,
        title="T",
        name="n",
    )
    assert "train은 IDX 파일이 아닙니다: 너무 짧습니다" in language_named("ko").error(error)


def test_the_reason_of_an_error():
    korean = language_named("ko")
    found = Reason.of(UnreadableImageError("image_file_empty", "it is empty"))
    assert (ENGLISH.reason(found), korean.reason(found)) == ("it is empty", "빈 파일입니다")


def test_a_reason_of_a_code_that_nobody_knows_says_what_it_was():
    assert ENGLISH.reason(Reason("from_the_future", {}, "so it was")) == "so it was"
    assert ENGLISH.reason(Reason("from_the_future")) == "from_the_future"
    assert ENGLISH.reason(Reason("other_checksums", {}, "with other values")) == "with other values"


def test_reasons_with_values():
    assert (
        ENGLISH.reason(reason("weights_of_other_classes", there=10, here=2))
        == "for 10 classes, not 2; newly initialized"
    )


@pytest.mark.parametrize(("asked", "code"), [("ko", "ko"), (" KO ", "ko"), ("", "en"), ("xx", "en"), (None, "en")])
def test_the_language_that_is_spoken(monkeypatch, asked, code):
    if asked is not None:
        monkeypatch.setenv("OVERFITLAB_LANG", asked)
    assert spoken().code == code


def test_the_language_that_is_chosen_wins(monkeypatch):
    monkeypatch.setenv("OVERFITLAB_LANG", "ko")
    speak("EN")
    assert spoken().code == "en"
    with ThreadPoolExecutor(1) as pool:  # another thread, perhaps of another reader, is asked by itself
        assert pool.submit(spoken).result().code == "ko"
    with pytest.raises(UsageError, match="unknown language 'fr'; choose from en and ko"):
        speak("fr")
    assert spoken().code == "ko"
    speak("ko")
    monkeypatch.setenv("OVERFITLAB_LANG", "en")
    assert spoken().code == "ko"
    speak(None)
    assert spoken().code == "en"
