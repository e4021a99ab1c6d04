"""What services answer and the API shows: one definition of each shape, also of what is stored for a replay.

Ids are UUIDv7, times RFC 3339 in UTC. `version` is the ETag; `allowed_actions` are the verbs that this caller may use.
What stands in Annotated is for the description: what a service made is not checked again.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain import pathway, plan, referral, task
from domain.clock import Clock, Priority
from domain.ladder import Rung
from domain.stage import Stage
from domain.stall import CAUSES, STALLS
from domain.watch import Verb as WatchVerb

T = TypeVar("T")


def described(words: str, *names: type[StrEnum] | str) -> Any:
    """A text that is one of these names."""
    listed: list[Any] = [
        n for each in names for n in ([each] if isinstance(each, str) else [member.value for member in each])
    ]
    return Field(description=words, json_schema_extra={"enum": listed})


WATCHERS = ("nudge", "escalate", "except", "watch")
"""The verbs of whoever watches work."""
TaskState = Annotated[str, described("Where the work stands.", task.State)]
ReferralState = Annotated[
    str,
    described("`awaiting_source`: declined, expired or failed; re-route, withdraw or close unmet.", referral.State),
]
HowUrgent = Annotated[str, described("Urgent work has shorter limits. Emergencies are phoned.", Priority)]
RunningClock = Annotated[str, described("Which limit runs towards `due_at`.", Clock)]
WhatCame = Annotated[str, described("What came of the need.", task.Outcome)]
ByWhom = Annotated[str, described("Whose word it is; only client or source close a loop.", referral.ConfirmedBy)]
TaskVerbs = Annotated[
    list[Annotated[str, described("A verb.", task.Verb, *WATCHERS)]], Field(description="What you may do now.")
]
ReferralVerbs = Annotated[
    list[Annotated[str, described("A verb.", referral.Verb, WatchVerb)]], Field(description="What you may do now.")
]
StalledVerbs = Annotated[
    list[Annotated[str, described("A verb.", task.Verb, referral.Verb, plan.Verb, plan.StepVerb, *WATCHERS)]],
    Field(description="What you may do now."),
]
Mode = Annotated[
    str,
    described(
        "`connected` has logins here; `by_phone` and `listed` have none: the source makes their moves.",
        "connected", "by_phone", "listed",
    ),
]  # fmt: skip


class Shape(BaseModel):
    model_config = ConfigDict(from_attributes=True, extra="ignore")


class Page(Shape, Generic[T]):
    """One page of a list; `next_cursor` null on the last."""

    items: list[T]
    next_cursor: str | None = None


class BallInCourt(Shape):
    """Whose turn it is; `user_id` where somebody is assigned."""

    organization_id: UUID
    user_id: UUID | None = None


class FormChoice(Shape):
    code: str
    label: str
    es: str | None = None


class FormField(Shape):
    """One question that completing a step must answer. `yes_no` is answered with "yes" or "no"."""

    key: str
    kind: Annotated[str, described("What an answer is.", "choice", "yes_no", "number", "date")]
    label: str
    es: str | None = None
    choices: list[FormChoice] = []
    required: bool = True
    minimum: float | None = None
    maximum: float | None = None
    unit: str | None = None


class Task(Shape):
    """One piece of work owned by one organization."""

    id: UUID
    kind: Annotated[str, described("An offer of a referral, or a step of a plan.", "offer", "step")]
    title: str
    state: TaskState
    priority: HowUrgent
    organization_id: UUID
    source_organization_id: UUID
    assigned_to: UUID | None
    referral_id: UUID | None
    action_plan_id: UUID | None
    step_key: str | None
    service_id: UUID | None
    client_id: UUID | None = Field(None, description="Your own record of the client; null where you may not see one.")
    outcome: WhatCame | None
    outputs: dict[str, int | bool | float | str] | None = Field(
        None, description="What was given, as `complete` told: numbers, yes or no, codes. Null for who takes no part."
    )
    reason: str | None = Field(description="A code of GET /v1/reasons.")
    ball_in_court: BallInCourt | None = Field(description="Whose turn it is; nobody's once it has ended.")
    clock: RunningClock | None
    due_at: datetime | None
    call_now: str | None = Field(None, description="Urgent and closed now: whom to phone instead of waiting.")
    form: list[FormField] = Field(default=[], description="What completing it must record: `outputs` of complete.")
    excepted_until: datetime | None = Field(None, description="The backbone lets it rest: nobody is reminded before.")
    created_at: datetime
    updated_at: datetime
    version: int
    allowed_actions: TaskVerbs


class Proposal(Shape):
    """Another service, proposed by the backbone or by who was asked; the source decides."""

    service_id: UUID
    by: UUID = Field(description="The organization that proposes it.")
    at: datetime


class Referral(Shape):
    """The request for a service for one client or household."""

    id: UUID
    reference: str = Field(description="For the phone: without look-alike characters.")
    kind: Annotated[
        str,
        described(
            "`information`: a phone number handed out; `step`: of an action plan, which nobody confirms.",
            "referral",
            "transfer",
            "information",
            "step",
        ),
    ]
    state: ReferralState
    priority: HowUrgent
    origin: Annotated[
        str,
        described("Who first asked.", "partner", "self", "family", "walk_in", "hotline", "external"),
    ]
    client_id: UUID | None = None
    household_id: UUID | None = None
    need_id: UUID | None
    term: str | None = Field(description="A code of GET /v1/taxonomy-terms.")
    county: str | None = Field(description="FIPS code.")
    service_id: UUID | None
    source_organization_id: UUID
    target_organization_id: UUID
    asked: list[UUID] = Field(
        default=[], description="For the source: organizations that are asked at once, while nobody has said yes."
    )
    consent_id: UUID | None = None
    action_plan_id: UUID | None
    step_key: str | None
    outcome: WhatCame | None
    confirmed_by: ByWhom | None
    ball_in_court: BallInCourt | None
    clock: RunningClock | None
    due_at: datetime | None
    assigned_to: UUID | None = Field(None, description="Who follows it at the source.")
    excepted_until: datetime | None = Field(None, description="The backbone lets it rest: nobody is reminded before.")
    proposals: list[Proposal] = Field(default=[], description="For the source: other services, in this round.")
    tasks: list[Task]
    created_at: datetime
    updated_at: datetime
    version: int
    allowed_actions: ReferralVerbs


class Message(Shape):
    """Something said about a referral. What you may not read (no consent, or it was revoked) is left out."""

    id: UUID
    kind: str
    at: datetime
    organization_id: UUID
    user_id: UUID | None
    body: str


class Unwritten(Shape):
    """What a partner's own system answered, that could not be written: its people go on with the task."""

    said: str
    why: str = Field(description="`form`: it does not answer the form; `over`: the task had ended; or the rule's code.")
    fields: list[str] = Field(default=[], description="The questions of the form without an answer that fits.")


class Event(Shape):
    """Something that happened; never changed, never deleted."""

    id: UUID
    at: datetime = Field(description="When it was recorded.")
    occurred_at: datetime = Field(description="When it happened, as told.")
    kind: str
    task_id: UUID | None
    referral_id: UUID | None
    action_plan_id: UUID | None
    organization_id: UUID | None
    acting_organization_id: UUID | None
    user_id: UUID | None
    on_behalf_of: UUID | None = None
    from_state: TaskState | None
    to_state: TaskState | None
    reason: str | None
    unwritten: Unwritten | None = Field(None, description="Of `task_answered_late` alone.")


class Worth(Shape):
    """What events add to a figure: a count's `value`, a rate's `numerator` and `denominator`, a duration's `bucket`.

    Negative where something was taken back.
    """

    organization_id: UUID | None = Field(description="Whose figure; null: the region's.")
    part: str
    bucket: int = Field(description="Of a duration: how many whole units; else 0.")
    value: int
    events: int | None = Field(None, description="How many events, where several are told together.")


class CountedEvent(Event):
    """An event behind a figure, and what it is worth there."""

    worth: list[Worth]


class EventsBehind(Shape):
    """A page of the events that you may see; `others` is what all the others behind this figure are worth together."""

    items: list[CountedEvent]
    others: list[Worth]
    held_back: bool = Field(False, description="A group too small to be shown to other partners: of it only your own.")
    next_cursor: str | None


class Timeline(Shape):
    """Newest first."""

    items: list[Event]
    messages: list[Message]


class Residence(Shape):
    """Where the client lives, from a day on."""

    kind: Annotated[str, described("Only a fixed one has an address.", "fixed", "none", "confidential")]
    county: str | None = None
    address: str | None = None
    postal_code: str | None = None
    school_district: str | None = None
    tribal_land: str | None = None
    starts_on: date | None = None


class Client(Shape):
    """A client as one organization knows them."""

    id: UUID
    organization_id: UUID
    identity: Annotated[str, described("How the client is known.", "named", "alias", "anonymous")]
    given_name: str | None
    family_name: str | None
    alias: str | None
    birth_date: date | None
    birth_year: int | None
    birth_estimated: bool
    language: str | None
    interpreter: bool
    contact: dict[str, Any]
    demographics: dict[str, Any]
    residence: Residence | None
    origin_organization_id: UUID | None
    disclosure_notice: str | None = Field(None, description="42 CFR Part 2: goes with every disclosure.")
    created_at: datetime
    version: int


class ClientSummary(Shape):
    """Enough to recognize a client of one's own."""

    id: UUID
    identity: Annotated[str, described("How the client is known.", "named", "alias", "anonymous")]
    given_name: str | None
    family_name: str | None
    alias: str | None
    birth_date: date | None


class HouseholdMember(Shape):
    client_id: UUID
    role: str
    starts_on: date


class Household(Shape):
    """People who are served together."""

    id: UUID
    organization_id: UUID
    name: str | None
    members: list[HouseholdMember]
    created_at: datetime
    version: int


class PossibleDuplicate(Shape):
    """Another record of your organization that may be the same person; the likeliest first."""

    id: UUID
    given_name: str | None
    family_name: str | None
    alias: str | None
    birth_date: date | None
    birth_year: int | None
    likeness: float = Field(description="From 0 to 1. It is a hint: look at both records before you link them.")
    because: list[str] = Field(
        description="Of same_name, similar_name, names_swapped, same_birth_date, birth_day_and_month_swapped,"
        " same_birth_year."
    )


class ClientLink(Shape):
    """Two records of your organization are of one person. Both stay as they are; they count as one."""

    id: UUID
    client_id: UUID | None = None
    other_client_id: UUID | None = Field(None, description="Null where it is a copy whose consent has ended.")
    made_at: datetime
    made_by: UUID
    revoked_at: datetime | None
    revoked_by: UUID | None


class Need(Shape):
    """What a client or household lacks; it may exist without any service."""

    id: UUID
    organization_id: UUID
    client_id: UUID | None = None
    household_id: UUID | None = None
    term: str
    outcome: WhatCame | None
    outcome_by: Annotated[str, described("Whose word it is.", "client", "source", "task")] | None
    created_at: datetime
    version: int


class Consent(Shape):
    """Who may disclose what to whom, for what, until when."""

    id: UUID
    organization_id: UUID
    client_id: UUID | None = None
    recipients: list[UUID]
    purpose: str
    data_kinds: list[str]
    legal_basis: str
    form: str
    given_by: str | None = None
    capacity: str
    co_signers: list[str] = []
    valid_from: datetime
    valid_until: datetime | None
    revoked_at: datetime | None
    created_at: datetime
    version: int


class Membership(Shape):
    """For which organization you may act, in which roles."""

    organization_id: UUID
    organization: str
    roles: list[str]


class Colleague(Shape):
    """Somebody who works in your organization. `absent_until`: the day on which they are back."""

    id: UUID
    login: str
    name: str | None
    roles: list[str]
    absent_until: date | None
    delegate_user_id: UUID | None = Field(description="Who acts for them while they are away.")


class Reassigned(Shape):
    """How much went to somebody else, and how much more there is: ask again for the rest."""

    reassigned: int
    left: int


class Me(Shape):
    """You, and for whom you act in this request."""

    id: UUID
    login: str
    name: str | None
    language: str
    organization: dict[str, Any]
    roles: list[str]
    collaborative: dict[str, Any]
    memberships: list[Membership]


class Organization(Shape):
    """A partner of the collaborative."""

    id: UUID
    slug: str
    name: str
    description: str | None
    kind: str
    mode: Mode
    role: str
    email: str | None
    phone: str | None
    website: str | None


class Place(Shape):
    """A location where a service is given; a confidential one has no address."""

    id: UUID
    name: str
    confidential: bool
    address_1: str | None
    city: str | None
    county: str | None
    state_province: str | None
    postal_code: str | None


class Capacity(Shape):
    """What a service says it has room for; it holds until the end of `lapses_on`."""

    open_slots: int | None = Field(description="As stated; null: places are not counted.")
    left: int | None = Field(description="What is left of them: each yes since the statement took one.")
    taking: bool
    stated_at: datetime
    lapses_on: date


class CapacityStatement(Shape):
    """What somebody of the service said."""

    open_slots: int | None
    taking: bool
    stated_at: datetime
    lapses_on: date
    stated_by: UUID


class ServiceCapacity(Shape):
    """What holds now; null: nothing was said, or it has lapsed. All statements, newest first, for its own people."""

    service_id: UUID
    capacity: Capacity | None
    statements: list[CapacityStatement] = []


class Service(Shape):
    """HSDS 3 service with its locations. A confidential location has no address anywhere."""

    id: UUID
    organization_id: UUID
    organization: str
    mode: Mode
    program_id: UUID | None
    name: str
    description: str | None
    status: str
    term: str
    eligibility: str | None
    application_process: str | None
    fees: str | None
    languages: list[str]
    phone: str | None
    email: str | None
    url: str | None
    opening_hours: dict[str, Any] | None
    always_open: bool
    capacity: Capacity | None = Field(None, description="What it has room for; null: it said nothing that still holds.")
    locations: list[Place]


class Term(Shape):
    """A kind of need and of service."""

    code: str
    name: str
    parent: str | None
    sensitive: bool


class Reason(Shape):
    """Why work may end without service."""

    code: str
    reason_class: str
    name: str


Symptom = Annotated[str, described("The clock that has passed.", *(one.code for one in STALLS.values()))]
WhatIsBehind = Annotated[str, described("What lies behind.", *dict.fromkeys(one.code for one in CAUSES.values()))]


class StalledRoot(Shape):
    """What a waiting step waits for in the end. Of another partner's work only the plan is named, as kind and id."""

    kind: Annotated[str, described("What stands still there.", "task", "referral", "action_plan")]
    id: UUID
    step_key: str | None
    organization_id: UUID


class Stalled(Shape):
    """Work that stands still. `limit` is when it was due, or when its cause began; `level` how far it climbed."""

    kind: Annotated[str, described("What stands still.", "task", "referral", "action_plan", "step")]
    id: UUID = Field(description="A step that has not begun has no record: its id is made of its plan and its key.")
    referral_id: UUID | None
    action_plan_id: UUID | None
    step_key: str | None
    reference: str | None
    title: str
    ball_in_court: BallInCourt
    since: datetime
    limit: datetime
    level: Annotated[str, described("Whom the reminders have reached.", Rung)]
    symptom: Symptom | None = Field(description="Null: no clock has passed.")
    cause: WhatIsBehind | None = Field(description="Null: nothing is known.")
    reason_code: str = Field(description="The cause; where none is known, the symptom.")
    reason: str = Field(description="A sentence for people.")
    remedy: str = Field(description="What would free it.")
    root: StalledRoot | None
    excepted_until: datetime | None = Field(description="The backbone lets it rest until then.")
    version: int
    allowed_actions: StalledVerbs


class Point(Shape):
    """One figure: a period, and a cell of the dimension that was asked for."""

    period: str
    value: float | None
    numerator: int | None = Field(None, description="Rates: how many of them.")
    denominator: int | None = Field(None, description="Rates and durations: out of how many cases.")
    waiting: int | None = Field(None, description="Durations: begun and still waiting.")
    not_yet_due: int | None = Field(None, description="Rates: cases of that period not due yet; left out.")
    response_rate: float | None = Field(None, description="Rates of answers: how many of those asked have answered.")
    version: int | None = Field(None, description="The version of the definition that says so.")
    held_back: bool = Field(False, description="A group too small to be shown to other partners: it has no figures.")
    by: dict[str, str] = {}


class Result(Shape):
    """What should be true for everybody who lives here."""

    code: str
    name: str
    es: str | None = None


class Strategy(Shape):
    code: str
    name: str
    definition: str
    result: str = Field(description="Code of the result that it contributes to.")
    indicators: list[str] = Field([], description="Codes of the performance measures that it carries.")


class Adoption(Shape):
    """What one partner signed up to, of which version of the agenda, and since when; null: of none yet."""

    organization_id: UUID
    slug: str
    name: str
    version: int | None = None
    adopted_on: date | None = None
    commitments: list[str] = []


class Calendar(Shape):
    code: str
    name: str
    starts_in: int = Field(description="The month with which its years begin.")


class Agenda(Shape):
    """What the partners agreed on, as it stands."""

    version: int
    name: str
    adopted_on: date
    results: list[Result]
    strategies: list[Strategy]
    calendars: list[Calendar]
    adoptions: list[Adoption]


class IndicatorVersion(Shape):
    version: int
    effective_on: date
    in_force: bool


class Observation(Shape):
    """A value of the whole population, as somebody observed it; the newest for its period and geography stands."""

    period: str
    geography: str
    value: float
    observed_on: date
    source: str


class Coverage(Shape):
    """How much a figure can know."""

    connected_partners: int = Field(description="They work in Concert; for the others somebody records.")
    partners: int
    unknown: dict[str, float] = Field({}, description="Share of what was counted of which the group is not known.")


class Indicator(Shape):
    """A measure on the collaborative's short list, as data that can be read aloud."""

    code: str
    version: int
    name: str
    names: dict[str, str] = Field({}, description="In other languages, by code.")
    kind: str
    measures: Literal["performance", "population"] = "performance"
    unit: str
    direction: str
    definition: str
    result: str | None = Field(None, description="Code of the population result that it contributes to.")
    strategy: str | None
    owner_organization_id: UUID
    rule: dict[str, Any]
    period: str = Field("month", description="By which it is told: month, or a calendar of the agenda.")
    by: list[str] = Field([], description="The groups by which it can be asked for.")
    threshold: int | None = Field(None, description="Published counts below it are hidden; the region's, if null.")
    baseline: Any | None
    target: Any | None
    baseline_period: bool = Field(True, description="No baseline was observed yet: the target binds nobody.")
    versions: list[IndicatorVersion] = []
    coverage: Coverage | None = None
    observations: list[Observation] = []
    series: list[Point] = []


class Scorecard(Shape):
    """Every indicator as it counts today, with its newest figures; unranked."""

    indicators: list[Indicator]


class Story(Shape):
    """What a partner says lies behind its figure; a draft of its own until `released_at`."""

    id: UUID
    indicator_code: str
    period: str
    organization_id: UUID
    text: str
    released_at: datetime | None
    created_at: datetime
    version: int


class Decision(Shape):
    """What was decided because of a figure, by whom it is done and by when."""

    id: UUID
    indicator_code: str
    organization_id: UUID = Field(description="Who recorded it.")
    text: str
    owner_organization_id: UUID
    due_on: date
    done_at: datetime | None
    created_at: datetime
    version: int


class UnmetNeed(Shape):
    """A kind of need that people had. A number that is null is held back, because it is small."""

    term: str
    name: str
    county: str | None = Field(None, description="FIPS code, or unknown; null without `by`.")
    recorded: int | None = Field(description="All needs of this kind.")
    unmet: int | None = Field(description="Ended without help.")
    without_service: int | None = Field(description="Open, and nobody is asked or at work.")
    no_capacity: int | None = Field(description="A partner had no room for it.")
    services: int = Field(description="Active services listed for it, of narrower terms too.")
    services_here: int | None = Field(None, description="Those with a place in that county.")
    held_back: list[str] = []


class UnmetNeeds(Shape):
    """Needs recorded from `start` to `end`, as they stand now: worst first."""

    start: str
    end: str
    by: str | None
    threshold: int = Field(description="Smaller numbers than this are held back; zero is shown.")
    rows: list[UnmetNeed]


class ServiceDemand(Shape):
    """What was asked of one service for people of one county."""

    service_id: UUID
    organization_id: UUID
    name: str
    term: str
    county: str | None = Field(description="FIPS code, or unknown; null: nothing was asked of it.")
    offered: int
    no_capacity: int = Field(description="Declined because there was no room.")
    turned_away: int = Field(description="Not even asked: it had said that it has no room.")
    waitlisted: int
    capacity: Capacity | None = Field(description="What it says now.")


class RegionDemand(Shape):
    """The same for all services together. A number that is null is held back, because it is small."""

    term: str
    county: str = Field(description="FIPS code, or unknown.")
    offered: int | None
    no_capacity: int | None
    turned_away: int | None
    waitlisted: int | None
    held_back: list[str] = []


class CapacityReport(Shape):
    """Where room is lacking, from `start` to `end`: worst first. The backbone reads all services, a partner its own."""

    start: str
    end: str
    threshold: int = Field(description="Smaller numbers of the region than this are held back; zero is shown.")
    services: list[ServiceDemand]
    region: list[RegionDemand]


PolicyName = Annotated[str, described("What happens then.", pathway.Policy)]


class TemplateGoal(Shape):
    key: str
    name: str
    term: str


class TemplateOwner(Shape):
    """Who does the step. All codes null: the plan's lead. `name` says it in words."""

    organization: str | None
    service: str | None
    term: str | None
    name: str


class TemplateChoice(Shape):
    code: str
    label: str


class TemplateField(Shape):
    """One question of the form that completes a step. `yes_no` is answered "yes" or "no"."""

    key: str
    kind: Annotated[str, described("What an answer is.", pathway.FieldKind)]
    label: str
    choices: list[TemplateChoice]
    required: bool
    minimum: float | None
    maximum: float | None
    unit: str | None


class TemplateStep(Shape):
    """`after`: the steps that end or are skipped first. `condition`: when it happens at all; null: always.

    `clocks`: its own limits, where they differ from the agenda's. `feeds`: codes of indicators.
    """

    key: str
    title: str
    kind: Annotated[str, described("A referral has offers, and the lead confirms it.", pathway.StepKind)]
    owner: TemplateOwner
    after: list[str]
    condition: str | None
    form: list[TemplateField]
    clocks: dict[str, dict[str, float]]
    feeds: list[str]
    may_skip: bool
    on_decline: PolicyName
    on_failure: PolicyName
    goal: str | None
    opens_after_days: int


class PlanTemplateSummary(Shape):
    """A pathway that the collaborative agreed on; its newest version."""

    code: str
    version: int
    name: str
    definition: str
    strategy: str
    limit_days: int
    steps: int
    goals: list[str]


class PlanTemplate(Shape):
    """One version of a pathway, in the reader's language. Steps stand in the order in which they are drawn."""

    code: str
    version: int
    latest_version: int
    name: str
    definition: str
    strategy: str
    limit_days: int
    review_every_days: int
    goals: list[TemplateGoal]
    steps: list[TemplateStep]


class FunnelStage(Shape):
    """How many requests came so far. Null and `held_back`: a small number, or one that would tell it."""

    stage: Annotated[str, described("In this order.", Stage)]
    requests: int | None = None
    share: float | None = Field(None, description="Of those offered.")
    still_open: int | None = Field(None, description="Came so far and may come further; nobody lost them.")
    lost: int | None = Field(None, description="Came so far and will not come to the next stage.")
    lost_share: float | None = Field(None, description="Of those that came so far and are not open any more.")
    held_back: bool = False


class FunnelGroup(Shape):
    group: str | None = Field(description="A code of the dimension; null: everybody.")
    stages: list[FunnelStage]


class Funnel(Shape):
    """Requests recorded from `start` to `end` and what became of them; everybody first, the unknown last."""

    start: str
    end: str
    by: str | None
    threshold: int = Field(description="Smaller numbers than this are held back; zero is shown.")
    groups: list[FunnelGroup]
