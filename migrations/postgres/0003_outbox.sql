-- What is to be delivered: mails, and events for webhooks. Written in the transaction that it
-- tells of.
create table outbox (
    id              uuid    not null primary key,
    kind            text    not null,
    recipient       text    not null,
    organization_id uuid,
    subject         text    not null,
    body            text    not null,
    created_at      bigint  not null,
    -- While somebody delivers it: when the next may try, if nothing was heard by then.
    next_attempt_at bigint  not null,
    attempts        bigint  not null default 0,
    delivered_at    bigint,
    given_up_at     bigint,
    last_error      text
);
create index outbox_waiting on outbox (kind, next_attempt_at)
    where delivered_at is null and given_up_at is null;
create index outbox_by_recipient on outbox (recipient, created_at);
create index outbox_by_time on outbox (created_at);

create table webhooks (
    id                uuid    not null primary key,
    organization_id   uuid    not null references organizations (id) on delete cascade,
    url               text    not null,
    events            text    not null,
    -- Its secret is derived from its id, this number, and the key-encryption key named below.
    secret_generation bigint  not null,
    secret_made_by    text    not null,
    secret_made_at    bigint  not null,
    created_at        bigint  not null,
    disabled_at       bigint,
    version           bigint  not null default 1
);
create index webhooks_by_organization on webhooks (organization_id);

-- Who was told of which end of a key, how many days ahead.
create table reminders (
    api_key_id uuid    not null references api_keys (id) on delete cascade,
    expires_at bigint  not null,
    days       bigint  not null,
    primary key (api_key_id, expires_at, days)
);
create index reminders_by_expiry on reminders (expires_at);

create index api_keys_by_expiry on api_keys (expires_at);
