"""An explanation as data: what ``explain.json`` holds, field by field.

Figures that cannot be said are None. ``docs/explain.md`` has the formula of each.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Words:
    """Words of a code, the most telling one first; None where no language model was asked."""

    distinctive: list[str]
    nearest: list[str] | None = None
    expected: list[str] | None = None


@dataclass(frozen=True)
class LiftedItem:
    """An item that a code's users like more often than others do.

    Args:
        item_id: its id.
        title: its title, or what else is written of it.
        lift: p(i|c) / p(i) of liked events.
        count: liked events of it under the code.
        of: liked events of it in all.
    """

    item_id: str
    title: str
    lift: float
    count: int
    of: int


@dataclass(frozen=True)
class TypicalUser:
    """A user whose code is sure.

    Args:
        user_id: their id.
        probability: of their code; None without a table.
        events: that their code rests on.
    """

    user_id: str
    probability: float | None
    events: int


@dataclass(frozen=True)
class Code:
    """A code of a profile.

    Args:
        code: its number.
        label: a few words.
        users: who have it.
        share: of all users.
        click_rate: share of liked events among its users' events; None in implicit logs.
        sure: mean posterior probability of the code among its users.
        entropy: mean entropy of the posterior over the profile's codes among its users, over log K.
        words: of its items' texts and of a language model.
        items: the most lifted ones.
        typical: users.
        map: where it is, the mean of its users in the map.
    """

    code: int
    label: str
    users: int
    share: float
    click_rate: float | None
    sure: float | None
    entropy: float | None
    words: Words
    items: list[LiftedItem]
    typical: list[TypicalUser]
    map: list[float] | None


@dataclass(frozen=True)
class Profile:
    """A profile and its codes.

    Args:
        name: its key.
        text: the words in front of its soft token.
        size: K, codes.
        perplexity: exp of the entropy of users over codes.
        gained_nats: what is lost per held-out event where this profile's code is not known.
        codes: [K].
    """

    name: str
    text: str
    size: int
    perplexity: float
    gained_nats: float | None
    codes: list[Code]


@dataclass(frozen=True)
class Overlap:
    """Two profiles against each other.

    Args:
        profiles: both names.
        counts: [K_1][K_2] users.
        nats: mutual information.
    """

    profiles: list[str]
    counts: list[list[int]]
    nats: float


@dataclass(frozen=True)
class UserMap:
    """Users in a plane.

    Args:
        how: what the plane is, a sentence.
        explained: share of the variance along x and y.
        x: [n].
        y: [n].
        user: [n] places in :attr:`Explanation.users`.
    """

    how: str
    explained: list[float]
    x: list[float]
    y: list[float]
    user: list[int]


@dataclass(frozen=True)
class Sample:
    """Which users are shown one by one.

    Args:
        shown: how many.
        of: how many there are.
        how: they were chosen, a sentence.
    """

    shown: int
    of: int
    how: str


@dataclass(frozen=True)
class EvidenceEvent:
    """An event and what it says, a repeated one once.

    Args:
        item_id: its item.
        title: the item's title, or what else is written of it.
        label: 1 liked, 0 not; None in implicit logs.
        nats: by how much it raises the log-odds of the user's codes over the runner-up's.
    """

    item_id: str
    title: str
    label: int | None
    nats: float


@dataclass(frozen=True)
class Evidence:
    """Why a user has their codes: ``prior + Σ events + rest = total``, exactly.

    Args:
        against: the likeliest other combination of codes.
        prior: log-odds before any event, nats.
        rest: nats of the events that are not listed.
        rest_events: how many these are.
        total: log-odds of the user's codes over the others.
        events: those that say most, whichever way, the strongest first.
    """

    against: list[int]
    prior: float
    rest: float
    rest_events: int
    total: float
    events: list[EvidenceEvent]


@dataclass(frozen=True)
class User:
    """A user's codes.

    Args:
        user_id: their id.
        codes: [P].
        probabilities: [P] of their codes; None without a table.
        events: that the codes rest on.
        evidence: None without a table, or where there is one combination of codes.
    """

    user_id: str
    codes: list[int]
    probabilities: list[float] | None
    events: int
    evidence: Evidence | None

    def as_json(self) -> dict[str, object]:
        """As dictionaries, lists and plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Explanation:
    """All of it.

    Args:
        experiment: its name.
        engine: that made the codes.
        explicit: whether events have labels.
        n_users: U.
        items: I.
        events: that the codes were made from.
        click_rate: share of liked events among them; None in implicit logs.
        language_model: whose words are shown.
        why_no_words: a sentence where none are.
        why_no_table: a sentence where figures are missing because codes are no classes of a table.
        gained_nats: nats per held-out event, over no codes.
        profiles: [P].
        overlap: of every pair of profiles.
        map: of users.
        sample: which users follow.
        users: these.
    """

    experiment: str
    engine: str
    explicit: bool
    n_users: int
    items: int
    events: int
    click_rate: float | None
    language_model: str | None
    why_no_words: str | None
    why_no_table: str | None
    gained_nats: float | None
    profiles: list[Profile]
    overlap: list[Overlap]
    map: UserMap | None
    sample: Sample
    users: list[User]

    def as_json(self) -> dict[str, object]:
        """As dictionaries, lists and plain values."""
        return asdict(self)
