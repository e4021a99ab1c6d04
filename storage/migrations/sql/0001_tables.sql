-- The tables of the record. Every column's comment says whether it is personal. Frozen: change it by a new migration.

CREATE TABLE collaborative (
    id UUID NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    zone TEXT NOT NULL,
    subdivision TEXT NOT NULL,
    opening_hours JSONB,
    age_of_majority INTEGER DEFAULT '19' NOT NULL,
    publication_threshold INTEGER DEFAULT '11' NOT NULL,
    agenda_version INTEGER DEFAULT '1' NOT NULL,
    revision INTEGER DEFAULT '1' NOT NULL,
    CONSTRAINT collaborative_pkey PRIMARY KEY (id),
    CONSTRAINT collaborative_slug_key UNIQUE (slug)
);

COMMENT ON COLUMN collaborative.id IS 'plain';
COMMENT ON COLUMN collaborative.slug IS 'plain';
COMMENT ON COLUMN collaborative.name IS 'plain';
COMMENT ON COLUMN collaborative.description IS 'plain';
COMMENT ON COLUMN collaborative.zone IS 'plain';
COMMENT ON COLUMN collaborative.subdivision IS 'plain';
COMMENT ON COLUMN collaborative.opening_hours IS 'plain';
COMMENT ON COLUMN collaborative.age_of_majority IS 'plain';
COMMENT ON COLUMN collaborative.publication_threshold IS 'plain';
COMMENT ON COLUMN collaborative.agenda_version IS 'plain';
COMMENT ON COLUMN collaborative.revision IS 'plain';
CREATE TABLE organization (
    id UUID NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    alternate_name TEXT,
    description TEXT,
    kind TEXT NOT NULL,
    mode TEXT NOT NULL,
    email TEXT,
    phone TEXT,
    website TEXT,
    confidential BOOLEAN DEFAULT 'false' NOT NULL,
    part2 BOOLEAN DEFAULT 'false' NOT NULL,
    own_worker BOOLEAN DEFAULT 'false' NOT NULL,
    CONSTRAINT organization_pkey PRIMARY KEY (id),
    CONSTRAINT organization_mode_check CHECK (mode in ('connected', 'by_phone', 'listed')),
    CONSTRAINT organization_slug_check CHECK (slug ~ '^[a-z][a-z0-9-]{0,62}$'),
    CONSTRAINT organization_slug_key UNIQUE (slug)
);

COMMENT ON COLUMN organization.id IS 'plain';
COMMENT ON COLUMN organization.slug IS 'plain';
COMMENT ON COLUMN organization.name IS 'plain';
COMMENT ON COLUMN organization.alternate_name IS 'plain';
COMMENT ON COLUMN organization.description IS 'plain';
COMMENT ON COLUMN organization.kind IS 'plain';
COMMENT ON COLUMN organization.mode IS 'plain';
COMMENT ON COLUMN organization.email IS 'plain';
COMMENT ON COLUMN organization.phone IS 'plain';
COMMENT ON COLUMN organization.website IS 'plain';
COMMENT ON COLUMN organization.confidential IS 'plain';
COMMENT ON COLUMN organization.part2 IS 'plain';
COMMENT ON COLUMN organization.own_worker IS 'plain';
CREATE TABLE taxonomy_term (
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    names JSONB DEFAULT '{}' NOT NULL,
    parent TEXT,
    sensitive BOOLEAN DEFAULT 'false' NOT NULL,
    CONSTRAINT taxonomy_term_pkey PRIMARY KEY (code),
    CONSTRAINT taxonomy_term_parent_fkey FOREIGN KEY(parent) REFERENCES taxonomy_term (code)
);

COMMENT ON COLUMN taxonomy_term.code IS 'plain';
COMMENT ON COLUMN taxonomy_term.name IS 'plain';
COMMENT ON COLUMN taxonomy_term.names IS 'plain';
COMMENT ON COLUMN taxonomy_term.parent IS 'plain';
COMMENT ON COLUMN taxonomy_term.sensitive IS 'plain';
CREATE TABLE outbox (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    kind TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    task_id UUID,
    result TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    attempts INTEGER DEFAULT '0' NOT NULL,
    error TEXT,
    dead BOOLEAN DEFAULT 'false' NOT NULL,
    CONSTRAINT outbox_pkey PRIMARY KEY (id),
    CONSTRAINT outbox_kind_check CHECK (kind in ('complete', 'look'))
);

CREATE INDEX outbox_due_idx ON outbox (due_at, id) WHERE not dead;

COMMENT ON COLUMN outbox.id IS 'plain';
COMMENT ON COLUMN outbox.kind IS 'plain';
COMMENT ON COLUMN outbox.workflow_id IS 'plain';
COMMENT ON COLUMN outbox.task_id IS 'plain';
COMMENT ON COLUMN outbox.result IS 'plain';
COMMENT ON COLUMN outbox.created_at IS 'plain';
COMMENT ON COLUMN outbox.due_at IS 'plain';
COMMENT ON COLUMN outbox.attempts IS 'plain';
COMMENT ON COLUMN outbox.error IS 'plain';
COMMENT ON COLUMN outbox.dead IS 'plain';
CREATE TABLE command (
    user_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    key TEXT NOT NULL,
    fingerprint BYTEA NOT NULL,
    status INTEGER NOT NULL,
    body JSONB NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT command_pkey PRIMARY KEY (user_id, organization_id, key)
);

CREATE INDEX command_at_idx ON command (at);

COMMENT ON COLUMN command.user_id IS 'plain';
COMMENT ON COLUMN command.organization_id IS 'plain';
COMMENT ON COLUMN command.key IS 'plain';
COMMENT ON COLUMN command.fingerprint IS 'plain';
COMMENT ON COLUMN command.status IS 'plain';
COMMENT ON COLUMN command.body IS 'plain';
COMMENT ON COLUMN command.at IS 'plain';
CREATE TABLE audit (
    id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    verb TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    object_id UUID NOT NULL,
    version INTEGER,
    organization_id UUID,
    user_id UUID,
    CONSTRAINT audit_pkey PRIMARY KEY (id)
);

CREATE INDEX audit_object_idx ON audit (object_id);

COMMENT ON COLUMN audit.id IS 'plain';
COMMENT ON COLUMN audit.at IS 'plain';
COMMENT ON COLUMN audit.verb IS 'plain';
COMMENT ON COLUMN audit.object_kind IS 'plain';
COMMENT ON COLUMN audit.object_id IS 'plain';
COMMENT ON COLUMN audit.version IS 'plain';
COMMENT ON COLUMN audit.organization_id IS 'plain';
COMMENT ON COLUMN audit.user_id IS 'plain';
CREATE TABLE audit_unsealed (
    audit_id UUID NOT NULL,
    CONSTRAINT audit_unsealed_pkey PRIMARY KEY (audit_id)
);

COMMENT ON COLUMN audit_unsealed.audit_id IS 'plain';
CREATE TABLE audit_seal (
    seq BIGINT NOT NULL,
    audit_id UUID NOT NULL,
    hash BYTEA NOT NULL,
    CONSTRAINT audit_seal_pkey PRIMARY KEY (seq),
    CONSTRAINT audit_seal_audit_id_key UNIQUE (audit_id)
);

COMMENT ON COLUMN audit_seal.seq IS 'plain';
COMMENT ON COLUMN audit_seal.audit_id IS 'plain';
COMMENT ON COLUMN audit_seal.hash IS 'plain';
CREATE TABLE service_heartbeat (
    role TEXT NOT NULL,
    instance TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT service_heartbeat_pkey PRIMARY KEY (role, instance)
);

COMMENT ON COLUMN service_heartbeat.role IS 'plain';
COMMENT ON COLUMN service_heartbeat.instance IS 'plain';
COMMENT ON COLUMN service_heartbeat.at IS 'plain';
CREATE TABLE user_account (
    id UUID NOT NULL,
    subject TEXT NOT NULL,
    login TEXT NOT NULL,
    name TEXT,
    email TEXT,
    language TEXT DEFAULT 'en' NOT NULL,
    service_account BOOLEAN DEFAULT 'false' NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT user_account_pkey PRIMARY KEY (id),
    CONSTRAINT user_account_subject_key UNIQUE (subject),
    CONSTRAINT user_account_login_key UNIQUE (login)
);

COMMENT ON COLUMN user_account.id IS 'plain';
COMMENT ON COLUMN user_account.subject IS 'plain';
COMMENT ON COLUMN user_account.login IS 'plain';
COMMENT ON COLUMN user_account.name IS 'personal';
COMMENT ON COLUMN user_account.email IS 'personal';
COMMENT ON COLUMN user_account.language IS 'plain';
COMMENT ON COLUMN user_account.service_account IS 'plain';
COMMENT ON COLUMN user_account.revoked_at IS 'plain';
CREATE TABLE event (
    id UUID NOT NULL,
    seq BIGINT GENERATED ALWAYS AS IDENTITY,
    collaborative_id UUID NOT NULL,
    kind TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    day DATE NOT NULL,
    referral_id UUID,
    task_id UUID,
    action_plan_id UUID,
    need_id UUID,
    version INTEGER NOT NULL,
    organization_id UUID,
    source_organization_id UUID NOT NULL,
    acting_organization_id UUID,
    user_id UUID,
    on_behalf_of UUID,
    person_id UUID,
    from_state TEXT,
    to_state TEXT,
    reason TEXT,
    settled JSONB DEFAULT '{}' NOT NULL,
    facts JSONB DEFAULT '{}' NOT NULL,
    dimensions JSONB DEFAULT '{}' NOT NULL,
    reverses JSONB DEFAULT '[]' NOT NULL,
    restricted BOOLEAN DEFAULT 'false' NOT NULL,
    CONSTRAINT event_pkey PRIMARY KEY (id)
);

CREATE INDEX event_referral_id_idx ON event (referral_id, seq);

CREATE INDEX event_day_idx ON event (collaborative_id, day);

CREATE INDEX event_seq_idx ON event (seq);

CREATE INDEX event_task_id_idx ON event (task_id, seq);

COMMENT ON COLUMN event.id IS 'plain';
COMMENT ON COLUMN event.seq IS 'plain';
COMMENT ON COLUMN event.collaborative_id IS 'plain';
COMMENT ON COLUMN event.kind IS 'plain';
COMMENT ON COLUMN event.at IS 'plain';
COMMENT ON COLUMN event.occurred_at IS 'plain';
COMMENT ON COLUMN event.day IS 'plain';
COMMENT ON COLUMN event.referral_id IS 'plain';
COMMENT ON COLUMN event.task_id IS 'plain';
COMMENT ON COLUMN event.action_plan_id IS 'plain';
COMMENT ON COLUMN event.need_id IS 'plain';
COMMENT ON COLUMN event.version IS 'plain';
COMMENT ON COLUMN event.organization_id IS 'plain';
COMMENT ON COLUMN event.source_organization_id IS 'plain';
COMMENT ON COLUMN event.acting_organization_id IS 'plain';
COMMENT ON COLUMN event.user_id IS 'plain';
COMMENT ON COLUMN event.on_behalf_of IS 'plain';
COMMENT ON COLUMN event.person_id IS 'plain';
COMMENT ON COLUMN event.from_state IS 'plain';
COMMENT ON COLUMN event.to_state IS 'plain';
COMMENT ON COLUMN event.reason IS 'plain';
COMMENT ON COLUMN event.settled IS 'plain';
COMMENT ON COLUMN event.facts IS 'plain';
COMMENT ON COLUMN event.dimensions IS 'plain';
COMMENT ON COLUMN event.reverses IS 'plain';
COMMENT ON COLUMN event.restricted IS 'plain';
CREATE TABLE agenda (
    collaborative_id UUID NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    adopted_on DATE NOT NULL,
    body JSONB NOT NULL,
    CONSTRAINT agenda_pkey PRIMARY KEY (collaborative_id, version),
    CONSTRAINT agenda_collaborative_id_fkey FOREIGN KEY(collaborative_id) REFERENCES collaborative (id)
);

COMMENT ON COLUMN agenda.collaborative_id IS 'plain';
COMMENT ON COLUMN agenda.version IS 'plain';
COMMENT ON COLUMN agenda.name IS 'plain';
COMMENT ON COLUMN agenda.adopted_on IS 'plain';
COMMENT ON COLUMN agenda.body IS 'plain';
CREATE TABLE partnership (
    collaborative_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    role TEXT NOT NULL,
    starts_on DATE NOT NULL,
    ends_on DATE,
    commitments JSONB DEFAULT '[]' NOT NULL,
    CONSTRAINT partnership_pkey PRIMARY KEY (collaborative_id, organization_id, starts_on),
    CONSTRAINT partnership_role_check CHECK (role in ('backbone', 'partner')),
    CONSTRAINT partnership_dates_check CHECK (ends_on is null or ends_on >= starts_on),
    CONSTRAINT partnership_collaborative_id_fkey FOREIGN KEY(collaborative_id) REFERENCES collaborative (id),
    CONSTRAINT partnership_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

COMMENT ON COLUMN partnership.collaborative_id IS 'plain';
COMMENT ON COLUMN partnership.organization_id IS 'plain';
COMMENT ON COLUMN partnership.role IS 'plain';
COMMENT ON COLUMN partnership.starts_on IS 'plain';
COMMENT ON COLUMN partnership.ends_on IS 'plain';
COMMENT ON COLUMN partnership.commitments IS 'plain';
CREATE TABLE program (
    id UUID NOT NULL,
    organization_id UUID NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    part2 BOOLEAN DEFAULT 'false' NOT NULL,
    CONSTRAINT program_pkey PRIMARY KEY (id),
    CONSTRAINT program_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

COMMENT ON COLUMN program.id IS 'plain';
COMMENT ON COLUMN program.organization_id IS 'plain';
COMMENT ON COLUMN program.name IS 'plain';
COMMENT ON COLUMN program.description IS 'plain';
COMMENT ON COLUMN program.part2 IS 'plain';
CREATE TABLE location (
    id UUID NOT NULL,
    organization_id UUID NOT NULL,
    name TEXT NOT NULL,
    confidential BOOLEAN DEFAULT 'false' NOT NULL,
    address_1 TEXT,
    city TEXT,
    county TEXT,
    state_province TEXT,
    postal_code TEXT,
    country TEXT DEFAULT 'US' NOT NULL,
    latitude FLOAT,
    longitude FLOAT,
    CONSTRAINT location_pkey PRIMARY KEY (id),
    CONSTRAINT location_confidential_has_no_address_check CHECK (not confidential or (address_1 is null and city is null and postal_code is null and latitude is null and longitude is null)),
    CONSTRAINT location_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

CREATE INDEX location_organization_id_idx ON location (organization_id);

COMMENT ON COLUMN location.id IS 'plain';
COMMENT ON COLUMN location.organization_id IS 'plain';
COMMENT ON COLUMN location.name IS 'plain';
COMMENT ON COLUMN location.confidential IS 'plain';
COMMENT ON COLUMN location.address_1 IS 'plain';
COMMENT ON COLUMN location.city IS 'plain';
COMMENT ON COLUMN location.county IS 'plain';
COMMENT ON COLUMN location.state_province IS 'plain';
COMMENT ON COLUMN location.postal_code IS 'plain';
COMMENT ON COLUMN location.country IS 'plain';
COMMENT ON COLUMN location.latitude IS 'plain';
COMMENT ON COLUMN location.longitude IS 'plain';
CREATE TABLE reason (
    collaborative_id UUID NOT NULL,
    code TEXT NOT NULL,
    class TEXT NOT NULL,
    name TEXT NOT NULL,
    names JSONB DEFAULT '{}' NOT NULL,
    CONSTRAINT reason_pkey PRIMARY KEY (collaborative_id, code),
    CONSTRAINT reason_collaborative_id_fkey FOREIGN KEY(collaborative_id) REFERENCES collaborative (id)
);

COMMENT ON COLUMN reason.collaborative_id IS 'plain';
COMMENT ON COLUMN reason.code IS 'plain';
COMMENT ON COLUMN reason.class IS 'plain';
COMMENT ON COLUMN reason.name IS 'plain';
COMMENT ON COLUMN reason.names IS 'plain';
CREATE TABLE indicator (
    id UUID NOT NULL,
    collaborative_id UUID NOT NULL,
    code TEXT NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    definition TEXT NOT NULL,
    kind TEXT NOT NULL,
    unit TEXT NOT NULL,
    direction TEXT NOT NULL,
    strategy TEXT NOT NULL,
    owner_organization_id UUID NOT NULL,
    rule JSONB NOT NULL,
    baseline JSONB,
    target JSONB,
    effective_on DATE NOT NULL,
    ends_on DATE,
    CONSTRAINT indicator_pkey PRIMARY KEY (id),
    CONSTRAINT indicator_collaborative_id_code_version_key UNIQUE (collaborative_id, code, version),
    CONSTRAINT indicator_kind_check CHECK (kind in ('how_much', 'how_well', 'better_off')),
    CONSTRAINT indicator_collaborative_id_fkey FOREIGN KEY(collaborative_id) REFERENCES collaborative (id),
    CONSTRAINT indicator_owner_organization_id_fkey FOREIGN KEY(owner_organization_id) REFERENCES organization (id)
);

CREATE INDEX indicator_collaborative_id_idx ON indicator (collaborative_id);

COMMENT ON COLUMN indicator.id IS 'plain';
COMMENT ON COLUMN indicator.collaborative_id IS 'plain';
COMMENT ON COLUMN indicator.code IS 'plain';
COMMENT ON COLUMN indicator.version IS 'plain';
COMMENT ON COLUMN indicator.name IS 'plain';
COMMENT ON COLUMN indicator.definition IS 'plain';
COMMENT ON COLUMN indicator.kind IS 'plain';
COMMENT ON COLUMN indicator.unit IS 'plain';
COMMENT ON COLUMN indicator.direction IS 'plain';
COMMENT ON COLUMN indicator.strategy IS 'plain';
COMMENT ON COLUMN indicator.owner_organization_id IS 'plain';
COMMENT ON COLUMN indicator.rule IS 'plain';
COMMENT ON COLUMN indicator.baseline IS 'plain';
COMMENT ON COLUMN indicator.target IS 'plain';
COMMENT ON COLUMN indicator.effective_on IS 'plain';
COMMENT ON COLUMN indicator.ends_on IS 'plain';
CREATE TABLE membership (
    id UUID NOT NULL,
    user_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    role TEXT NOT NULL,
    starts_on DATE NOT NULL,
    ends_on DATE,
    absent_until DATE,
    delegate_user_id UUID,
    CONSTRAINT membership_pkey PRIMARY KEY (id),
    CONSTRAINT membership_user_id_organization_id_role_starts_on_key UNIQUE (user_id, organization_id, role, starts_on),
    CONSTRAINT membership_role_check CHECK (role in ('caseworker', 'supervisor', 'agency_admin', 'backbone', 'auditor', 'service')),
    CONSTRAINT membership_user_id_fkey FOREIGN KEY(user_id) REFERENCES user_account (id),
    CONSTRAINT membership_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id),
    CONSTRAINT membership_delegate_user_id_fkey FOREIGN KEY(delegate_user_id) REFERENCES user_account (id)
);

CREATE INDEX membership_organization_id_idx ON membership (organization_id);

COMMENT ON COLUMN membership.id IS 'plain';
COMMENT ON COLUMN membership.user_id IS 'plain';
COMMENT ON COLUMN membership.organization_id IS 'plain';
COMMENT ON COLUMN membership.role IS 'plain';
COMMENT ON COLUMN membership.starts_on IS 'plain';
COMMENT ON COLUMN membership.ends_on IS 'plain';
COMMENT ON COLUMN membership.absent_until IS 'plain';
COMMENT ON COLUMN membership.delegate_user_id IS 'plain';
CREATE TABLE consent (
    id UUID NOT NULL,
    collaborative_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    client_id UUID NOT NULL,
    purpose TEXT NOT NULL,
    data_kinds JSONB NOT NULL,
    legal_basis TEXT NOT NULL,
    form TEXT NOT NULL,
    given_by TEXT NOT NULL,
    capacity TEXT NOT NULL,
    co_signers JSONB DEFAULT '[]',
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_until TIMESTAMP WITH TIME ZONE,
    revoked_at TIMESTAMP WITH TIME ZONE,
    created_by UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER DEFAULT '1' NOT NULL,
    CONSTRAINT consent_pkey PRIMARY KEY (id),
    CONSTRAINT consent_id_organization_id_key UNIQUE (id, organization_id),
    CONSTRAINT consent_form_check CHECK (form in ('written', 'verbal', 'electronic')),
    CONSTRAINT consent_dates_check CHECK (valid_until is null or valid_until > valid_from),
    CONSTRAINT consent_collaborative_id_fkey FOREIGN KEY(collaborative_id) REFERENCES collaborative (id),
    CONSTRAINT consent_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id),
    CONSTRAINT consent_created_by_fkey FOREIGN KEY(created_by) REFERENCES user_account (id)
);

CREATE INDEX consent_client_id_idx ON consent (client_id);

COMMENT ON COLUMN consent.id IS 'plain';
COMMENT ON COLUMN consent.collaborative_id IS 'plain';
COMMENT ON COLUMN consent.organization_id IS 'plain';
COMMENT ON COLUMN consent.client_id IS 'plain';
COMMENT ON COLUMN consent.purpose IS 'plain';
COMMENT ON COLUMN consent.data_kinds IS 'plain';
COMMENT ON COLUMN consent.legal_basis IS 'plain';
COMMENT ON COLUMN consent.form IS 'plain';
COMMENT ON COLUMN consent.given_by IS 'personal';
COMMENT ON COLUMN consent.capacity IS 'plain';
COMMENT ON COLUMN consent.co_signers IS 'personal';
COMMENT ON COLUMN consent.valid_from IS 'plain';
COMMENT ON COLUMN consent.valid_until IS 'plain';
COMMENT ON COLUMN consent.revoked_at IS 'plain';
COMMENT ON COLUMN consent.created_by IS 'plain';
COMMENT ON COLUMN consent.created_at IS 'plain';
COMMENT ON COLUMN consent.version IS 'plain';
CREATE TABLE household (
    id UUID NOT NULL,
    organization_id UUID NOT NULL,
    name TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER DEFAULT '1' NOT NULL,
    CONSTRAINT household_pkey PRIMARY KEY (id),
    CONSTRAINT household_id_organization_id_key UNIQUE (id, organization_id),
    CONSTRAINT household_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

COMMENT ON COLUMN household.id IS 'plain';
COMMENT ON COLUMN household.organization_id IS 'plain';
COMMENT ON COLUMN household.name IS 'personal';
COMMENT ON COLUMN household.created_at IS 'plain';
COMMENT ON COLUMN household.version IS 'plain';
CREATE TABLE service (
    id UUID NOT NULL,
    organization_id UUID NOT NULL,
    program_id UUID,
    name TEXT NOT NULL,
    alternate_name TEXT,
    description TEXT,
    status TEXT DEFAULT 'active' NOT NULL,
    eligibility TEXT,
    application_process TEXT,
    fees TEXT,
    languages JSONB DEFAULT '[]' NOT NULL,
    term TEXT NOT NULL,
    email TEXT,
    phone TEXT,
    url TEXT,
    opening_hours JSONB,
    closed_on JSONB DEFAULT '[]' NOT NULL,
    always_open BOOLEAN DEFAULT 'false' NOT NULL,
    clocks JSONB DEFAULT '{}' NOT NULL,
    on_call_phone TEXT,
    CONSTRAINT service_pkey PRIMARY KEY (id),
    CONSTRAINT service_status_check CHECK (status in ('active', 'inactive', 'defunct', 'temporarily closed')),
    CONSTRAINT service_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id),
    CONSTRAINT service_program_id_fkey FOREIGN KEY(program_id) REFERENCES program (id),
    CONSTRAINT service_term_fkey FOREIGN KEY(term) REFERENCES taxonomy_term (code)
);

CREATE INDEX service_term_idx ON service (term);

CREATE INDEX service_organization_id_idx ON service (organization_id);

COMMENT ON COLUMN service.id IS 'plain';
COMMENT ON COLUMN service.organization_id IS 'plain';
COMMENT ON COLUMN service.program_id IS 'plain';
COMMENT ON COLUMN service.name IS 'plain';
COMMENT ON COLUMN service.alternate_name IS 'plain';
COMMENT ON COLUMN service.description IS 'plain';
COMMENT ON COLUMN service.status IS 'plain';
COMMENT ON COLUMN service.eligibility IS 'plain';
COMMENT ON COLUMN service.application_process IS 'plain';
COMMENT ON COLUMN service.fees IS 'plain';
COMMENT ON COLUMN service.languages IS 'plain';
COMMENT ON COLUMN service.term IS 'plain';
COMMENT ON COLUMN service.email IS 'plain';
COMMENT ON COLUMN service.phone IS 'plain';
COMMENT ON COLUMN service.url IS 'plain';
COMMENT ON COLUMN service.opening_hours IS 'plain';
COMMENT ON COLUMN service.closed_on IS 'plain';
COMMENT ON COLUMN service.always_open IS 'plain';
COMMENT ON COLUMN service.clocks IS 'plain';
COMMENT ON COLUMN service.on_call_phone IS 'plain';
CREATE TABLE indicator_entry (
    id UUID NOT NULL,
    event_id UUID NOT NULL,
    collaborative_id UUID NOT NULL,
    indicator_id UUID NOT NULL,
    part TEXT NOT NULL,
    period TEXT NOT NULL,
    bucket INTEGER NOT NULL,
    organization_id UUID,
    dimensions JSONB NOT NULL,
    restricted BOOLEAN NOT NULL,
    value BIGINT NOT NULL,
    CONSTRAINT indicator_entry_pkey PRIMARY KEY (id),
    CONSTRAINT indicator_entry_event_id_fkey FOREIGN KEY(event_id) REFERENCES event (id),
    CONSTRAINT indicator_entry_indicator_id_fkey FOREIGN KEY(indicator_id) REFERENCES indicator (id)
);

CREATE UNIQUE INDEX indicator_entry_key ON indicator_entry (event_id, indicator_id, part, period, bucket, organization_id, dimensions) NULLS NOT DISTINCT;

CREATE INDEX indicator_entry_indicator_id_idx ON indicator_entry (indicator_id, period);

COMMENT ON COLUMN indicator_entry.id IS 'plain';
COMMENT ON COLUMN indicator_entry.event_id IS 'plain';
COMMENT ON COLUMN indicator_entry.collaborative_id IS 'plain';
COMMENT ON COLUMN indicator_entry.indicator_id IS 'plain';
COMMENT ON COLUMN indicator_entry.part IS 'plain';
COMMENT ON COLUMN indicator_entry.period IS 'plain';
COMMENT ON COLUMN indicator_entry.bucket IS 'plain';
COMMENT ON COLUMN indicator_entry.organization_id IS 'plain';
COMMENT ON COLUMN indicator_entry.dimensions IS 'plain';
COMMENT ON COLUMN indicator_entry.restricted IS 'plain';
COMMENT ON COLUMN indicator_entry.value IS 'plain';
CREATE TABLE indicator_total (
    collaborative_id UUID NOT NULL,
    indicator_id UUID NOT NULL,
    period TEXT NOT NULL,
    part TEXT NOT NULL,
    bucket INTEGER NOT NULL,
    organization_id UUID,
    dimensions JSONB NOT NULL,
    restricted BOOLEAN NOT NULL,
    value BIGINT NOT NULL,
    CONSTRAINT indicator_total_indicator_id_fkey FOREIGN KEY(indicator_id) REFERENCES indicator (id)
);

CREATE UNIQUE INDEX indicator_total_key ON indicator_total (indicator_id, period, part, bucket, organization_id, dimensions, restricted) NULLS NOT DISTINCT;

COMMENT ON COLUMN indicator_total.collaborative_id IS 'plain';
COMMENT ON COLUMN indicator_total.indicator_id IS 'plain';
COMMENT ON COLUMN indicator_total.period IS 'plain';
COMMENT ON COLUMN indicator_total.part IS 'plain';
COMMENT ON COLUMN indicator_total.bucket IS 'plain';
COMMENT ON COLUMN indicator_total.organization_id IS 'plain';
COMMENT ON COLUMN indicator_total.dimensions IS 'plain';
COMMENT ON COLUMN indicator_total.restricted IS 'plain';
COMMENT ON COLUMN indicator_total.value IS 'plain';
CREATE TABLE indicator_touch (
    event_id UUID NOT NULL,
    indicator_id UUID NOT NULL,
    grain TEXT NOT NULL,
    person_id UUID NOT NULL,
    step INTEGER NOT NULL,
    CONSTRAINT indicator_touch_pkey PRIMARY KEY (event_id, indicator_id, grain),
    CONSTRAINT indicator_touch_indicator_id_fkey FOREIGN KEY(indicator_id) REFERENCES indicator (id)
);

COMMENT ON COLUMN indicator_touch.event_id IS 'plain';
COMMENT ON COLUMN indicator_touch.indicator_id IS 'plain';
COMMENT ON COLUMN indicator_touch.grain IS 'plain';
COMMENT ON COLUMN indicator_touch.person_id IS 'plain';
COMMENT ON COLUMN indicator_touch.step IS 'plain';
CREATE TABLE indicator_live (
    indicator_id UUID NOT NULL,
    grain TEXT NOT NULL,
    person_id UUID NOT NULL,
    touches INTEGER NOT NULL,
    CONSTRAINT indicator_live_pkey PRIMARY KEY (indicator_id, grain, person_id),
    CONSTRAINT indicator_live_indicator_id_fkey FOREIGN KEY(indicator_id) REFERENCES indicator (id)
);

CREATE INDEX indicator_live_person_id_idx ON indicator_live (person_id) WHERE touches > 0;

COMMENT ON COLUMN indicator_live.indicator_id IS 'plain';
COMMENT ON COLUMN indicator_live.grain IS 'plain';
COMMENT ON COLUMN indicator_live.person_id IS 'plain';
COMMENT ON COLUMN indicator_live.touches IS 'plain';
CREATE TABLE consent_recipient (
    consent_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    discloser_id UUID NOT NULL,
    CONSTRAINT consent_recipient_pkey PRIMARY KEY (consent_id, organization_id),
    CONSTRAINT consent_recipient_consent_id_discloser_id_fkey FOREIGN KEY(consent_id, discloser_id) REFERENCES consent (id, organization_id),
    CONSTRAINT consent_recipient_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id)
);

COMMENT ON COLUMN consent_recipient.consent_id IS 'plain';
COMMENT ON COLUMN consent_recipient.organization_id IS 'plain';
COMMENT ON COLUMN consent_recipient.discloser_id IS 'plain';
CREATE TABLE client (
    id UUID NOT NULL,
    organization_id UUID NOT NULL,
    person_id UUID NOT NULL,
    identity TEXT NOT NULL,
    given_name TEXT,
    family_name TEXT,
    alias TEXT,
    birth_date DATE,
    birth_year INTEGER,
    birth_estimated BOOLEAN DEFAULT 'false',
    language TEXT,
    interpreter BOOLEAN DEFAULT 'false' NOT NULL,
    contact JSONB DEFAULT '{}',
    demographics JSONB DEFAULT '{}',
    origin_organization_id UUID,
    consent_id UUID,
    created_by UUID,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER DEFAULT '1' NOT NULL,
    CONSTRAINT client_pkey PRIMARY KEY (id),
    CONSTRAINT client_id_organization_id_key UNIQUE (id, organization_id),
    CONSTRAINT client_identity_check CHECK (identity in ('named', 'alias', 'anonymous')),
    CONSTRAINT client_origin_check CHECK ((origin_organization_id is null) = (consent_id is null)),
    CONSTRAINT client_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id),
    CONSTRAINT client_origin_organization_id_fkey FOREIGN KEY(origin_organization_id) REFERENCES organization (id),
    CONSTRAINT client_consent_id_fkey FOREIGN KEY(consent_id) REFERENCES consent (id),
    CONSTRAINT client_created_by_fkey FOREIGN KEY(created_by) REFERENCES user_account (id)
);

CREATE INDEX client_person_id_idx ON client (person_id);

CREATE INDEX client_organization_id_idx ON client (organization_id, id);

COMMENT ON COLUMN client.id IS 'plain';
COMMENT ON COLUMN client.organization_id IS 'plain';
COMMENT ON COLUMN client.person_id IS 'plain';
COMMENT ON COLUMN client.identity IS 'plain';
COMMENT ON COLUMN client.given_name IS 'personal';
COMMENT ON COLUMN client.family_name IS 'personal';
COMMENT ON COLUMN client.alias IS 'personal';
COMMENT ON COLUMN client.birth_date IS 'personal';
COMMENT ON COLUMN client.birth_year IS 'personal';
COMMENT ON COLUMN client.birth_estimated IS 'personal';
COMMENT ON COLUMN client.language IS 'plain';
COMMENT ON COLUMN client.interpreter IS 'plain';
COMMENT ON COLUMN client.contact IS 'personal';
COMMENT ON COLUMN client.demographics IS 'personal';
COMMENT ON COLUMN client.origin_organization_id IS 'plain';
COMMENT ON COLUMN client.consent_id IS 'plain';
COMMENT ON COLUMN client.created_by IS 'plain';
COMMENT ON COLUMN client.created_at IS 'plain';
COMMENT ON COLUMN client.version IS 'plain';
CREATE TABLE service_at_location (
    service_id UUID NOT NULL,
    location_id UUID NOT NULL,
    CONSTRAINT service_at_location_pkey PRIMARY KEY (service_id, location_id),
    CONSTRAINT service_at_location_service_id_fkey FOREIGN KEY(service_id) REFERENCES service (id),
    CONSTRAINT service_at_location_location_id_fkey FOREIGN KEY(location_id) REFERENCES location (id)
);

COMMENT ON COLUMN service_at_location.service_id IS 'plain';
COMMENT ON COLUMN service_at_location.location_id IS 'plain';
CREATE TABLE service_capacity (
    service_id UUID NOT NULL,
    open_slots INTEGER,
    taking BOOLEAN DEFAULT 'true' NOT NULL,
    stated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    lapses_on DATE NOT NULL,
    CONSTRAINT service_capacity_pkey PRIMARY KEY (service_id),
    CONSTRAINT service_capacity_service_id_fkey FOREIGN KEY(service_id) REFERENCES service (id)
);

COMMENT ON COLUMN service_capacity.service_id IS 'plain';
COMMENT ON COLUMN service_capacity.open_slots IS 'plain';
COMMENT ON COLUMN service_capacity.taking IS 'plain';
COMMENT ON COLUMN service_capacity.stated_at IS 'plain';
COMMENT ON COLUMN service_capacity.lapses_on IS 'plain';
CREATE TABLE entry_unfolded (
    entry_id UUID NOT NULL,
    indicator_id UUID NOT NULL,
    CONSTRAINT entry_unfolded_pkey PRIMARY KEY (entry_id),
    CONSTRAINT entry_unfolded_entry_id_fkey FOREIGN KEY(entry_id) REFERENCES indicator_entry (id)
);

CREATE INDEX entry_unfolded_indicator_id_idx ON entry_unfolded (indicator_id);

COMMENT ON COLUMN entry_unfolded.entry_id IS 'plain';
COMMENT ON COLUMN entry_unfolded.indicator_id IS 'plain';
CREATE TABLE client_residence (
    id UUID NOT NULL,
    client_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    kind TEXT NOT NULL,
    county TEXT,
    address TEXT,
    postal_code TEXT,
    school_district TEXT,
    tribal_land TEXT,
    starts_on DATE NOT NULL,
    ends_on DATE,
    CONSTRAINT client_residence_pkey PRIMARY KEY (id),
    CONSTRAINT client_residence_client_id_organization_id_fkey FOREIGN KEY(client_id, organization_id) REFERENCES client (id, organization_id),
    CONSTRAINT client_residence_kind_check CHECK (kind in ('fixed', 'none', 'confidential')),
    CONSTRAINT client_residence_address_check CHECK (kind = 'fixed' or address is null)
);

CREATE INDEX client_residence_client_id_idx ON client_residence (client_id);

COMMENT ON COLUMN client_residence.id IS 'plain';
COMMENT ON COLUMN client_residence.client_id IS 'plain';
COMMENT ON COLUMN client_residence.organization_id IS 'plain';
COMMENT ON COLUMN client_residence.kind IS 'plain';
COMMENT ON COLUMN client_residence.county IS 'plain';
COMMENT ON COLUMN client_residence.address IS 'personal';
COMMENT ON COLUMN client_residence.postal_code IS 'personal';
COMMENT ON COLUMN client_residence.school_district IS 'personal';
COMMENT ON COLUMN client_residence.tribal_land IS 'personal';
COMMENT ON COLUMN client_residence.starts_on IS 'plain';
COMMENT ON COLUMN client_residence.ends_on IS 'plain';
CREATE TABLE client_link (
    id UUID NOT NULL,
    organization_id UUID NOT NULL,
    client_id UUID NOT NULL,
    other_client_id UUID NOT NULL,
    made_by UUID NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT client_link_pkey PRIMARY KEY (id),
    CONSTRAINT client_link_client_id_organization_id_fkey FOREIGN KEY(client_id, organization_id) REFERENCES client (id, organization_id),
    CONSTRAINT client_link_other_client_id_organization_id_fkey FOREIGN KEY(other_client_id, organization_id) REFERENCES client (id, organization_id),
    CONSTRAINT client_link_two_records_check CHECK (client_id <> other_client_id),
    CONSTRAINT client_link_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id),
    CONSTRAINT client_link_made_by_fkey FOREIGN KEY(made_by) REFERENCES user_account (id)
);

COMMENT ON COLUMN client_link.id IS 'plain';
COMMENT ON COLUMN client_link.organization_id IS 'plain';
COMMENT ON COLUMN client_link.client_id IS 'plain';
COMMENT ON COLUMN client_link.other_client_id IS 'plain';
COMMENT ON COLUMN client_link.made_by IS 'plain';
COMMENT ON COLUMN client_link.made_at IS 'plain';
COMMENT ON COLUMN client_link.revoked_at IS 'plain';
CREATE TABLE household_member (
    household_id UUID NOT NULL,
    client_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    role TEXT NOT NULL,
    starts_on DATE NOT NULL,
    ends_on DATE,
    CONSTRAINT household_member_pkey PRIMARY KEY (household_id, client_id, starts_on),
    CONSTRAINT household_member_household_id_organization_id_fkey FOREIGN KEY(household_id, organization_id) REFERENCES household (id, organization_id),
    CONSTRAINT household_member_client_id_organization_id_fkey FOREIGN KEY(client_id, organization_id) REFERENCES client (id, organization_id)
);

COMMENT ON COLUMN household_member.household_id IS 'plain';
COMMENT ON COLUMN household_member.client_id IS 'plain';
COMMENT ON COLUMN household_member.organization_id IS 'plain';
COMMENT ON COLUMN household_member.role IS 'plain';
COMMENT ON COLUMN household_member.starts_on IS 'plain';
COMMENT ON COLUMN household_member.ends_on IS 'plain';
CREATE TABLE need (
    id UUID NOT NULL,
    collaborative_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    client_id UUID,
    household_id UUID,
    term TEXT NOT NULL,
    outcome TEXT,
    outcome_by TEXT,
    outcome_event_id UUID,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER DEFAULT '1' NOT NULL,
    CONSTRAINT need_pkey PRIMARY KEY (id),
    CONSTRAINT need_id_organization_id_key UNIQUE (id, organization_id),
    CONSTRAINT need_client_id_organization_id_fkey FOREIGN KEY(client_id, organization_id) REFERENCES client (id, organization_id),
    CONSTRAINT need_household_id_organization_id_fkey FOREIGN KEY(household_id, organization_id) REFERENCES household (id, organization_id),
    CONSTRAINT need_one_subject_check CHECK (num_nonnulls(client_id, household_id) = 1),
    CONSTRAINT need_outcome_check CHECK (outcome in ('need_met', 'partly_met', 'unmet')),
    CONSTRAINT need_collaborative_id_fkey FOREIGN KEY(collaborative_id) REFERENCES collaborative (id),
    CONSTRAINT need_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id),
    CONSTRAINT need_term_fkey FOREIGN KEY(term) REFERENCES taxonomy_term (code)
);

CREATE INDEX need_client_id_idx ON need (client_id);

COMMENT ON COLUMN need.id IS 'plain';
COMMENT ON COLUMN need.collaborative_id IS 'plain';
COMMENT ON COLUMN need.organization_id IS 'plain';
COMMENT ON COLUMN need.client_id IS 'plain';
COMMENT ON COLUMN need.household_id IS 'plain';
COMMENT ON COLUMN need.term IS 'plain';
COMMENT ON COLUMN need.outcome IS 'plain';
COMMENT ON COLUMN need.outcome_by IS 'plain';
COMMENT ON COLUMN need.outcome_event_id IS 'plain';
COMMENT ON COLUMN need.created_at IS 'plain';
COMMENT ON COLUMN need.version IS 'plain';
CREATE TABLE service_record (
    id UUID NOT NULL,
    collaborative_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    service_id UUID NOT NULL,
    client_id UUID,
    head_count INTEGER,
    served_on DATE NOT NULL,
    amount NUMERIC(12, 2),
    funding_source TEXT,
    created_by UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT service_record_pkey PRIMARY KEY (id),
    CONSTRAINT service_record_client_id_organization_id_fkey FOREIGN KEY(client_id, organization_id) REFERENCES client (id, organization_id),
    CONSTRAINT service_record_clients_or_heads_check CHECK (num_nonnulls(client_id, head_count) = 1),
    CONSTRAINT service_record_head_count_check CHECK (head_count > 0),
    CONSTRAINT service_record_collaborative_id_fkey FOREIGN KEY(collaborative_id) REFERENCES collaborative (id),
    CONSTRAINT service_record_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id),
    CONSTRAINT service_record_service_id_fkey FOREIGN KEY(service_id) REFERENCES service (id),
    CONSTRAINT service_record_created_by_fkey FOREIGN KEY(created_by) REFERENCES user_account (id)
);

COMMENT ON COLUMN service_record.id IS 'plain';
COMMENT ON COLUMN service_record.collaborative_id IS 'plain';
COMMENT ON COLUMN service_record.organization_id IS 'plain';
COMMENT ON COLUMN service_record.service_id IS 'plain';
COMMENT ON COLUMN service_record.client_id IS 'plain';
COMMENT ON COLUMN service_record.head_count IS 'plain';
COMMENT ON COLUMN service_record.served_on IS 'plain';
COMMENT ON COLUMN service_record.amount IS 'plain';
COMMENT ON COLUMN service_record.funding_source IS 'plain';
COMMENT ON COLUMN service_record.created_by IS 'plain';
COMMENT ON COLUMN service_record.created_at IS 'plain';
CREATE TABLE referral (
    id UUID NOT NULL,
    reference TEXT NOT NULL,
    collaborative_id UUID NOT NULL,
    source_organization_id UUID NOT NULL,
    target_organization_id UUID NOT NULL,
    service_id UUID NOT NULL,
    need_id UUID NOT NULL,
    client_id UUID,
    household_id UUID,
    person_id UUID,
    consent_id UUID,
    kind TEXT DEFAULT 'referral' NOT NULL,
    origin TEXT DEFAULT 'partner' NOT NULL,
    origin_name TEXT,
    priority TEXT NOT NULL,
    term TEXT NOT NULL,
    county TEXT,
    sensitive BOOLEAN DEFAULT 'false' NOT NULL,
    restricted BOOLEAN DEFAULT 'false' NOT NULL,
    transfer BOOLEAN DEFAULT 'false' NOT NULL,
    state TEXT NOT NULL,
    reported BOOLEAN DEFAULT 'false' NOT NULL,
    outcome TEXT,
    outcome_task TEXT,
    outcome_source TEXT,
    outcome_client TEXT,
    confirmed_by TEXT,
    reason TEXT,
    round INTEGER DEFAULT '1' NOT NULL,
    clock TEXT,
    clock_started_at TIMESTAMP WITH TIME ZONE,
    due_at TIMESTAMP WITH TIME ZONE,
    rung INTEGER DEFAULT '0' NOT NULL,
    look_at TIMESTAMP WITH TIME ZONE,
    created_by UUID,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER DEFAULT '1' NOT NULL,
    CONSTRAINT referral_pkey PRIMARY KEY (id),
    CONSTRAINT referral_need_id_source_organization_id_fkey FOREIGN KEY(need_id, source_organization_id) REFERENCES need (id, organization_id),
    CONSTRAINT referral_client_id_source_organization_id_fkey FOREIGN KEY(client_id, source_organization_id) REFERENCES client (id, organization_id),
    CONSTRAINT referral_household_id_source_organization_id_fkey FOREIGN KEY(household_id, source_organization_id) REFERENCES household (id, organization_id),
    CONSTRAINT referral_consent_id_source_organization_id_fkey FOREIGN KEY(consent_id, source_organization_id) REFERENCES consent (id, organization_id),
    CONSTRAINT referral_state_check CHECK (state in ('active', 'awaiting_source', 'completed', 'withdrawn', 'entered_in_error')),
    CONSTRAINT referral_kind_check CHECK (kind in ('referral', 'transfer', 'information')),
    CONSTRAINT referral_priority_check CHECK (priority in ('routine', 'urgent')),
    CONSTRAINT referral_origin_check CHECK (origin in ('partner', 'self', 'family', 'walk_in', 'hotline', 'external')),
    CONSTRAINT referral_reference_key UNIQUE (reference),
    CONSTRAINT referral_collaborative_id_fkey FOREIGN KEY(collaborative_id) REFERENCES collaborative (id),
    CONSTRAINT referral_source_organization_id_fkey FOREIGN KEY(source_organization_id) REFERENCES organization (id),
    CONSTRAINT referral_target_organization_id_fkey FOREIGN KEY(target_organization_id) REFERENCES organization (id),
    CONSTRAINT referral_service_id_fkey FOREIGN KEY(service_id) REFERENCES service (id),
    CONSTRAINT referral_term_fkey FOREIGN KEY(term) REFERENCES taxonomy_term (code),
    CONSTRAINT referral_created_by_fkey FOREIGN KEY(created_by) REFERENCES user_account (id)
);

CREATE INDEX referral_due_idx ON referral (due_at) WHERE state in ('active', 'awaiting_source') and clock is not null;

CREATE INDEX referral_need_id_idx ON referral (need_id);

CREATE INDEX referral_target_idx ON referral (target_organization_id, created_at desc, id desc);

CREATE INDEX referral_consent_id_idx ON referral (consent_id);

CREATE INDEX referral_newest_idx ON referral (collaborative_id, created_at desc, id desc);

CREATE INDEX referral_source_idx ON referral (source_organization_id, created_at desc, id desc);

CREATE INDEX referral_open_idx ON referral (id) WHERE state in ('active', 'awaiting_source');

COMMENT ON COLUMN referral.id IS 'plain';
COMMENT ON COLUMN referral.reference IS 'plain';
COMMENT ON COLUMN referral.collaborative_id IS 'plain';
COMMENT ON COLUMN referral.source_organization_id IS 'plain';
COMMENT ON COLUMN referral.target_organization_id IS 'plain';
COMMENT ON COLUMN referral.service_id IS 'plain';
COMMENT ON COLUMN referral.need_id IS 'plain';
COMMENT ON COLUMN referral.client_id IS 'plain';
COMMENT ON COLUMN referral.household_id IS 'plain';
COMMENT ON COLUMN referral.person_id IS 'plain';
COMMENT ON COLUMN referral.consent_id IS 'plain';
COMMENT ON COLUMN referral.kind IS 'plain';
COMMENT ON COLUMN referral.origin IS 'plain';
COMMENT ON COLUMN referral.origin_name IS 'personal';
COMMENT ON COLUMN referral.priority IS 'plain';
COMMENT ON COLUMN referral.term IS 'plain';
COMMENT ON COLUMN referral.county IS 'plain';
COMMENT ON COLUMN referral.sensitive IS 'plain';
COMMENT ON COLUMN referral.restricted IS 'plain';
COMMENT ON COLUMN referral.transfer IS 'plain';
COMMENT ON COLUMN referral.state IS 'plain';
COMMENT ON COLUMN referral.reported IS 'plain';
COMMENT ON COLUMN referral.outcome IS 'plain';
COMMENT ON COLUMN referral.outcome_task IS 'plain';
COMMENT ON COLUMN referral.outcome_source IS 'plain';
COMMENT ON COLUMN referral.outcome_client IS 'plain';
COMMENT ON COLUMN referral.confirmed_by IS 'plain';
COMMENT ON COLUMN referral.reason IS 'plain';
COMMENT ON COLUMN referral.round IS 'plain';
COMMENT ON COLUMN referral.clock IS 'plain';
COMMENT ON COLUMN referral.clock_started_at IS 'plain';
COMMENT ON COLUMN referral.due_at IS 'plain';
COMMENT ON COLUMN referral.rung IS 'plain';
COMMENT ON COLUMN referral.look_at IS 'plain';
COMMENT ON COLUMN referral.created_by IS 'plain';
COMMENT ON COLUMN referral.created_at IS 'plain';
COMMENT ON COLUMN referral.updated_at IS 'plain';
COMMENT ON COLUMN referral.version IS 'plain';
CREATE TABLE task (
    id UUID NOT NULL,
    collaborative_id UUID NOT NULL,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    owner_id UUID NOT NULL,
    referral_id UUID,
    action_plan_id UUID,
    step_key TEXT NOT NULL,
    round INTEGER NOT NULL,
    organization_id UUID NOT NULL,
    source_organization_id UUID NOT NULL,
    service_id UUID,
    client_id UUID,
    assigned_to UUID,
    restricted BOOLEAN DEFAULT 'false' NOT NULL,
    on_behalf BOOLEAN DEFAULT 'false' NOT NULL,
    priority TEXT NOT NULL,
    state TEXT NOT NULL,
    ball_organization_id UUID,
    outcome TEXT,
    reason TEXT,
    reason_class TEXT,
    outputs JSONB DEFAULT '{}' NOT NULL,
    clock TEXT,
    clock_started_at TIMESTAMP WITH TIME ZONE,
    due_at TIMESTAMP WITH TIME ZONE,
    hard_at TIMESTAMP WITH TIME ZONE,
    rung INTEGER DEFAULT '0' NOT NULL,
    decide_left FLOAT,
    hard_left FLOAT,
    acknowledged_at TIMESTAMP WITH TIME ZONE,
    accepted_at TIMESTAMP WITH TIME ZONE,
    first_contact_at TIMESTAMP WITH TIME ZONE,
    attempts JSONB DEFAULT '[]' NOT NULL,
    missed JSONB DEFAULT '{}' NOT NULL,
    requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
    moved_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER DEFAULT '1' NOT NULL,
    CONSTRAINT task_pkey PRIMARY KEY (id),
    CONSTRAINT task_owner_id_step_key_round_key UNIQUE (owner_id, step_key, round),
    CONSTRAINT task_client_id_organization_id_fkey FOREIGN KEY(client_id, organization_id) REFERENCES client (id, organization_id),
    CONSTRAINT task_kind_check CHECK (kind in ('offer', 'step')),
    CONSTRAINT task_owner_check CHECK (num_nonnulls(referral_id, action_plan_id) >= 1),
    CONSTRAINT task_state_check CHECK (state in ('requested', 'acknowledged', 'info_requested', 'accepted', 'waitlisted', 'in_progress', 'on_hold') or state in ('declined', 'completed', 'failed', 'cancelled', 'expired', 'entered_in_error')),
    CONSTRAINT task_open_has_a_clock_check CHECK ((state in ('requested', 'acknowledged', 'info_requested', 'accepted', 'waitlisted', 'in_progress', 'on_hold')) = (due_at is not null)),
    CONSTRAINT task_open_has_a_ball_check CHECK ((state in ('requested', 'acknowledged', 'info_requested', 'accepted', 'waitlisted', 'in_progress', 'on_hold')) = (ball_organization_id is not null)),
    CONSTRAINT task_collaborative_id_fkey FOREIGN KEY(collaborative_id) REFERENCES collaborative (id),
    CONSTRAINT task_referral_id_fkey FOREIGN KEY(referral_id) REFERENCES referral (id),
    CONSTRAINT task_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id),
    CONSTRAINT task_source_organization_id_fkey FOREIGN KEY(source_organization_id) REFERENCES organization (id),
    CONSTRAINT task_service_id_fkey FOREIGN KEY(service_id) REFERENCES service (id),
    CONSTRAINT task_assigned_to_fkey FOREIGN KEY(assigned_to) REFERENCES user_account (id),
    CONSTRAINT task_ball_organization_id_fkey FOREIGN KEY(ball_organization_id) REFERENCES organization (id)
);

CREATE INDEX task_ball_idx ON task (ball_organization_id, due_at, id) WHERE state in ('requested', 'acknowledged', 'info_requested', 'accepted', 'waitlisted', 'in_progress', 'on_hold');

CREATE INDEX task_inbox_idx ON task (organization_id, due_at, id) WHERE state in ('requested', 'acknowledged', 'info_requested', 'accepted', 'waitlisted', 'in_progress', 'on_hold');

CREATE INDEX task_due_idx ON task (collaborative_id, due_at, id) WHERE state in ('requested', 'acknowledged', 'info_requested', 'accepted', 'waitlisted', 'in_progress', 'on_hold');

CREATE INDEX task_owned_idx ON task (organization_id, created_at desc, id desc);

CREATE INDEX task_referral_id_idx ON task (referral_id);

COMMENT ON COLUMN task.id IS 'plain';
COMMENT ON COLUMN task.collaborative_id IS 'plain';
COMMENT ON COLUMN task.kind IS 'plain';
COMMENT ON COLUMN task.title IS 'plain';
COMMENT ON COLUMN task.owner_id IS 'plain';
COMMENT ON COLUMN task.referral_id IS 'plain';
COMMENT ON COLUMN task.action_plan_id IS 'plain';
COMMENT ON COLUMN task.step_key IS 'plain';
COMMENT ON COLUMN task.round IS 'plain';
COMMENT ON COLUMN task.organization_id IS 'plain';
COMMENT ON COLUMN task.source_organization_id IS 'plain';
COMMENT ON COLUMN task.service_id IS 'plain';
COMMENT ON COLUMN task.client_id IS 'plain';
COMMENT ON COLUMN task.assigned_to IS 'plain';
COMMENT ON COLUMN task.restricted IS 'plain';
COMMENT ON COLUMN task.on_behalf IS 'plain';
COMMENT ON COLUMN task.priority IS 'plain';
COMMENT ON COLUMN task.state IS 'plain';
COMMENT ON COLUMN task.ball_organization_id IS 'plain';
COMMENT ON COLUMN task.outcome IS 'plain';
COMMENT ON COLUMN task.reason IS 'plain';
COMMENT ON COLUMN task.reason_class IS 'plain';
COMMENT ON COLUMN task.outputs IS 'plain';
COMMENT ON COLUMN task.clock IS 'plain';
COMMENT ON COLUMN task.clock_started_at IS 'plain';
COMMENT ON COLUMN task.due_at IS 'plain';
COMMENT ON COLUMN task.hard_at IS 'plain';
COMMENT ON COLUMN task.rung IS 'plain';
COMMENT ON COLUMN task.decide_left IS 'plain';
COMMENT ON COLUMN task.hard_left IS 'plain';
COMMENT ON COLUMN task.acknowledged_at IS 'plain';
COMMENT ON COLUMN task.accepted_at IS 'plain';
COMMENT ON COLUMN task.first_contact_at IS 'plain';
COMMENT ON COLUMN task.attempts IS 'plain';
COMMENT ON COLUMN task.missed IS 'plain';
COMMENT ON COLUMN task.requested_at IS 'plain';
COMMENT ON COLUMN task.moved_at IS 'plain';
COMMENT ON COLUMN task.created_at IS 'plain';
COMMENT ON COLUMN task.updated_at IS 'plain';
COMMENT ON COLUMN task.version IS 'plain';
CREATE TABLE message (
    id UUID NOT NULL,
    referral_id UUID,
    task_id UUID,
    kind TEXT NOT NULL,
    organization_id UUID NOT NULL,
    reader_organization_id UUID,
    user_id UUID,
    about_client BOOLEAN NOT NULL,
    consent_id UUID,
    body TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT message_pkey PRIMARY KEY (id),
    CONSTRAINT message_kind_check CHECK (kind in ('reason', 'note', 'question', 'answer', 'said_by', 'message')),
    CONSTRAINT message_referral_id_fkey FOREIGN KEY(referral_id) REFERENCES referral (id),
    CONSTRAINT message_task_id_fkey FOREIGN KEY(task_id) REFERENCES task (id),
    CONSTRAINT message_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id),
    CONSTRAINT message_reader_organization_id_fkey FOREIGN KEY(reader_organization_id) REFERENCES organization (id),
    CONSTRAINT message_user_id_fkey FOREIGN KEY(user_id) REFERENCES user_account (id),
    CONSTRAINT message_consent_id_fkey FOREIGN KEY(consent_id) REFERENCES consent (id)
);

CREATE INDEX message_referral_id_idx ON message (referral_id, at);

CREATE INDEX message_task_id_idx ON message (task_id, at);

COMMENT ON COLUMN message.id IS 'plain';
COMMENT ON COLUMN message.referral_id IS 'plain';
COMMENT ON COLUMN message.task_id IS 'plain';
COMMENT ON COLUMN message.kind IS 'plain';
COMMENT ON COLUMN message.organization_id IS 'plain';
COMMENT ON COLUMN message.reader_organization_id IS 'plain';
COMMENT ON COLUMN message.user_id IS 'plain';
COMMENT ON COLUMN message.about_client IS 'plain';
COMMENT ON COLUMN message.consent_id IS 'plain';
COMMENT ON COLUMN message.body IS 'personal';
COMMENT ON COLUMN message.at IS 'plain';
ALTER TABLE consent ADD CONSTRAINT consent_client_id_organization_id_fkey FOREIGN KEY(client_id, organization_id) REFERENCES client (id, organization_id);
