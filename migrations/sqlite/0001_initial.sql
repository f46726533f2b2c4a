-- Moments are whole seconds since 1970. Lists are words with spaces between them.
create table counters (
    name  text    not null primary key,
    value integer not null
) strict;
insert into counters (name, value) values ('changes', 0), ('status_index', 0);

create table organizations (
    id          blob    not null primary key,
    parent_id   blob    references organizations (id),
    name        text    not null,
    created_at  integer not null,
    disabled_at integer,
    unique (parent_id, name)
) strict;
create unique index organizations_root_name on organizations (name) where parent_id is null;

create table roles (
    organization_id blob not null references organizations (id),
    name            text not null,
    scopes          text not null,
    primary key (organization_id, name)
) strict;

create table users (
    id            blob    not null primary key,
    email         text    not null unique,
    name          text    not null,
    password_hash text,
    created_at    integer not null,
    disabled_at   integer
) strict;

create table memberships (
    user_id         blob    not null references users (id),
    organization_id blob    not null references organizations (id),
    role            text    not null,
    created_at      integer not null,
    primary key (user_id, organization_id)
) strict;
create index memberships_by_organization on memberships (organization_id);

create table api_keys (
    id               blob    not null primary key,
    organization_id  blob    references organizations (id),
    user_id          blob    references users (id),
    name             text    not null,
    description      text    not null,
    roles            text,
    reach            text    not null,
    allowed_networks text    not null,
    created_at       integer not null,
    expires_at       integer,
    disabled_at      integer,
    revoked_at       integer,
    unique (organization_id, name),
    unique (user_id, name),
    check ((organization_id is null) <> (user_id is null))
) strict;

create table api_key_secrets (
    id               blob    not null primary key,
    api_key_id       blob    not null references api_keys (id) on delete cascade,
    hash             blob    not null unique,
    status_index     integer not null unique,
    created_at       integer not null,
    dies_at          integer,
    -- The minute of the last use, or one of the two hours before it: seldom written.
    last_used_minute integer
) strict;
create index api_key_secrets_by_key on api_key_secrets (api_key_id);

create table resources (
    identifier     text    not null primary key,
    scopes         text    not null,
    algorithm      text    not null,
    token_lifetime integer,
    created_at     integer not null,
    default_since  integer
) strict;

create table signing_keys (
    signing_key_id text    not null primary key,
    algorithm      text    not null,
    generation     integer not null,
    wrapped        blob    not null,
    wrapped_by     text    not null,
    created_at     integer not null,
    activates_at   integer not null,
    retires_at     integer,
    gone_at        integer,
    revoked_at     integer,
    unique (algorithm, generation)
) strict;

create table audit_events (
    id              blob    not null primary key,
    at              integer not null,
    actor           text    not null,
    action          text    not null,
    subject         text    not null,
    organization_id blob,
    source          text,
    request_id      blob,
    detail          text    not null
) strict;
create index audit_events_by_subject on audit_events (subject, at);

-- What every node has to forget; numbered in the order of the commits.
create table changes (
    number integer not null primary key,
    at     integer not null,
    change text    not null
) strict;

-- What was used and refused since the last fold into the two tables below.
create table usage_journal (
    id    blob not null primary key,
    batch text not null
) strict;

-- Sorted by minute first: what is counted now lies together, however many keys there are.
create table usage (
    minute     integer not null,
    secret_id  blob    not null,
    source     text    not null,
    user_agent text    not null,
    outcome    text    not null,
    uses       integer not null,
    primary key (minute, secret_id, source, user_agent, outcome)
) strict, without rowid;

create table refusals (
    request_id blob    not null primary key,
    at         integer not null,
    reason     text    not null,
    detail     text    not null,
    api_key_id blob,
    source     text    not null,
    user_agent text    not null,
    door       text    not null
) strict;
create index refusals_by_time on refusals (at);
