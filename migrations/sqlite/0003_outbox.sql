-- What is to be delivered: mails, and events for webhooks. Written in the transaction that it
-- tells of.
create table outbox (
    id              blob    not null primary key,
    kind            text    not null,
    recipient       text    not null,
    organization_id blob,
    subject         text    not null,
    body            text    not null,
    created_at      integer not null,
    -- While somebody delivers it: when the next may try, if nothing was heard by then.
    next_attempt_at integer not null,
    attempts        integer not null default 0,
    delivered_at    integer,
    given_up_at     integer,
    last_error      text
) strict;
create index outbox_waiting on outbox (kind, next_attempt_at)
    where delivered_at is null and given_up_at is null;
create index outbox_by_recipient on outbox (recipient, created_at);
create index outbox_by_time on outbox (created_at);

create table webhooks (
    id                blob    not null primary key,
    organization_id   blob    not null references organizations (id) on delete cascade,
    url               text    not null,
    events            text    not null,
    -- Its secret is derived from its id, this number, and the key-encryption key named below.
    secret_generation integer not null,
    secret_made_by    text    not null,
    secret_made_at    integer not null,
    created_at        integer not null,
    disabled_at       integer,
    version           integer not null default 1
) strict;
create index webhooks_by_organization on webhooks (organization_id);

-- Who was told of which end of a key, how many days ahead.
create table reminders (
    api_key_id blob    not null references api_keys (id) on delete cascade,
    expires_at integer not null,
    days       integer not null,
    primary key (api_key_id, expires_at, days)
) strict;
create index reminders_by_expiry on reminders (expires_at);

create index api_keys_by_expiry on api_keys (expires_at);
