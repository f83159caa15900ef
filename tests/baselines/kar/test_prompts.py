"""What the language model is asked."""

from dataclasses import replace

import pytest

from userip_lightning.baselines.kar.prompts import DEFAULT_PROMPT, Behaviour, KnowledgePrompt
from userip_lightning.errors import InputError

NAN = float("nan")


def test_a_user_is_asked_about_by_title_and_rating_or_liking():
    prompt = KnowledgePrompt(thing="film", factors=("plot", "mood"))
    asked = prompt.ask_user(
        [Behaviour("Up", 4.5, 1), Behaviour("Jaws {2}", NAN, 1), Behaviour("Ran", NAN, 0)]
    )
    head = "Given a user's film rating history over time: "
    tail = (
        "analyze the user's preferences on films (consider factors like plot, mood). Give clear explanations "
        "based on details of the history."
    )
    assert asked.text() == f'{head}"Up", 4.5 stars; "Jaws {{2}}", liked; "Ran", disliked; {tail}'
    assert asked.text(2) == f'{head}"Ran", disliked; {tail}'
    assert prompt.ask_user([]) is None


def test_the_default_prompt_speaks_of_items():
    asked = DEFAULT_PROMPT.ask_user([Behaviour("Soap", 5.0, 1)])
    assert asked.text().startswith('Given a user\'s item rating history over time: "Soap", 5 stars; analyze')
    assert "on items (consider factors like type, style, theme" in asked.text()


def test_an_item_is_asked_about_by_title_and_known_attributes():
    prompt = KnowledgePrompt(attributes=("price_level", "brand"), factors=("use",))
    item = {"item_id": "7", "title": "Soap", "brand": "Hill", "price_level": None}
    assert prompt.ask_item(item).text() == (
        'Introduce the item "Soap" (brand: Hill) and describe its attributes, such as use.'
    )
    assert '"Soap" and' in prompt.ask_item({**item, "brand": ""}).text()
    assert prompt.ask_item({**item, "title": None}) is None
    assert prompt.ask_item({**item, "title": ""}) is None


def test_an_answer_may_be_given_its_first_words():
    prompt = KnowledgePrompt(
        thing="film", preference_lead="Likes {thing}s", fact_lead='The {thing} "{title}" is'
    )
    assert prompt.ask_user([Behaviour("Up", 4.5, 1)]).lead == "Likes films"
    assert prompt.ask_item({"title": "Jaws {2}"}).lead == 'The film "Jaws {2}" is'
    assert DEFAULT_PROMPT.ask_item({"title": "Up"}).lead == ""


def test_the_hash_follows_every_setting():
    changed = [
        replace(DEFAULT_PROMPT, thing="movie"),
        replace(DEFAULT_PROMPT, factors=("x",)),
        replace(DEFAULT_PROMPT, history=3),
        replace(DEFAULT_PROMPT, attributes=("brand",)),
        replace(DEFAULT_PROMPT, fact_lead="It is"),
    ]
    assert len({prompt.hash for prompt in [DEFAULT_PROMPT, *changed]}) == 6
    assert KnowledgePrompt(factors=list(DEFAULT_PROMPT.factors)).hash == DEFAULT_PROMPT.hash


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"history": 0}, "prompt.history is 0"),
        ({"fact_lead": "{title} {"}, "prompt.fact_lead: .*write a brace itself as {{ or }}"),
        ({"preference_lead": "{title} is"}, r"prompt.preference_lead: \{title\} is no place"),
        ({"fact_lead": "{title!r} is"}, r"prompt.fact_lead: \{title\} takes no ':' or '!'"),
        ({"preference_lead": "{thing:s}s"}, r"prompt.preference_lead: \{thing\} takes no ':' or '!'"),
    ],
)
def test_a_prompt_that_cannot_be_written_is_refused(settings, message):
    with pytest.raises(InputError, match=message):
        KnowledgePrompt(**settings)
