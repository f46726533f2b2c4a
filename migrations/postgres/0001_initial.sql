-- Moments are whole seconds since 1970. Lists are words with spaces between them.
create table counters (
    name  text    not null primary key,
    value bigint  not null
);
insert into counters (name, value) values ('changes', 0), ('status_index', 0);

create table organizations (
    id          uuid    not null primary key,
    parent_id   uuid    references organizations (id),
    name        text    not null,
    created_at  bigint  not null,
    disabled_at bigint,
    unique (parent_id, name)
);
create unique index organizations_root_name on organizations (name) where parent_id is null;

create table roles (
    organization_id uuid    not null references organizations (id),
    name            text    not null,
    scopes          text    not null,
    primary key (organization_id, name)
);

create table users (
    id            uuid    not null primary key,
    email         text    not null unique,
    name          text    not null,
    password_hash text,
    created_at    bigint  not null,
    disabled_at   bigint
);

create table memberships (
    user_id         uuid    not null references users (id),
    organization_id uuid    not null references organizations (id),
    role            text    not null,
    created_at      bigint  not null,
    primary key (user_id, organization_id)
);
create index memberships_by_organization on memberships (organization_id);

create table api_keys (
    id               uuid    not null primary key,
    organization_id  uuid    references organizations (id),
    user_id          uuid    references users (id),
    name             text    not null,
    description      text    not null,
    roles            text,
    reach            text    not null,
    allowed_networks text    not null,
    created_at       bigint  not null,
    expires_at       bigint,
    disabled_at      bigint,
    revoked_at       bigint,
    unique (organization_id, name),
    unique (user_id, name),
    check ((organization_id is null) <> (user_id is null))
);

create table api_key_secrets (
    id               uuid   not null primary key,
    api_key_id       uuid   not null references api_keys (id) on delete cascade,
    hash             bytea  not null unique,
    status_index     bigint not null unique,
    created_at       bigint not null,
    dies_at          bigint,
    -- The minute of the last use, or one of the two hours before it: seldom written.
    last_used_minute bigint
);
create index api_key_secrets_by_key on api_key_secrets (api_key_id);

create table resources (
    identifier     text    not null primary key,
    scopes         text    not null,
    algorithm      text    not null,
    token_lifetime bigint,
    created_at     bigint  not null,
    default_since  bigint
);

create table signing_keys (
    signing_key_id text    not null primary key,
    algorithm      text    not null,
    generation     bigint  not null,
    wrapped        bytea   not null,
    wrapped_by     text    not null,
    created_at     bigint  not null,
    activates_at   bigint  not null,
    retires_at     bigint,
    gone_at        bigint,
    revoked_at     bigint,
    unique (algorithm, generation)
);

create table audit_events (
    id              uuid    not null primary key,
    at              bigint  not null,
    actor           text    not null,
    action          text    not null,
    subject         text    not null,
    organization_id uuid,
    source          text,
    request_id      uuid,
    detail          text    not null
);
create index audit_events_by_subject on audit_events (subject, at);

-- What every node has to forget; numbered in the order of the commits.
create table changes (
    number bigint  not null primary key,
    at     bigint  not null,
    change text    not null
);

-- What was used and refused since the last fold into the two tables below.
create table usage_journal (
    id    uuid    not null primary key,
    batch text    not null
);

-- Sorted by minute first: what is counted now lies together, however many keys there are.
create table usage (
    minute     bigint  not null,
    secret_id  uuid    not null,
    source     text    not null,
    user_agent text    not null,
    outcome    text    not null,
    uses       bigint  not null,
    primary key (minute, secret_id, source, user_agent, outcome)
);

create table refusals (
    request_id uuid    not null primary key,
    at         bigint  not null,
    reason     text    not null,
    detail     text    not null,
    api_key_id uuid,
    source     text    not null,
    user_agent text    not null,
    door       text    not null
);
create index refusals_by_time on refusals (at);
