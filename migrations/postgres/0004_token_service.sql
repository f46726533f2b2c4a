-- Programs that are known by a name of their own. What a client may do is JSON.
create table clients (
    id                  uuid    not null primary key,
    organization_id     uuid    not null references organizations (id),
    name                text    not null,
    terms               text    not null,
    created_at          bigint  not null,
    disabled_at         bigint,
    status_index        bigint  not null unique,
    -- Of the token by which a client that registered itself manages itself, and of the one before
    -- that, which goes on until the new one is used: the answer that had it may be lost.
    registration        bytea,
    registration_before bytea,
    -- What it says of itself, which nobody has verified. JSON.
    description         text,
    -- The minute of its last use without a secret, or one of the two hours before it.
    last_used_minute    bigint,
    version             bigint  not null default 1,
    unique (organization_id, name)
);
create index clients_that_registered_themselves on clients (id) where registration is not null;

create table client_secrets (
    id               uuid    not null primary key,
    client_id        uuid    not null references clients (id) on delete cascade,
    hash             bytea   not null unique,
    created_at       bigint  not null,
    expires_at       bigint,
    -- The minute of the last use, or one of the two hours before it: seldom written.
    last_used_minute bigint
);
create index client_secrets_by_client on client_secrets (client_id);

-- Rules by which tokens of somebody else are trusted. What they have to say is JSON.
create table trusts (
    id              uuid    not null primary key,
    organization_id uuid    not null references organizations (id),
    name            text    not null,
    issuer          text    not null,
    terms           text    not null,
    created_at      bigint  not null,
    disabled_at     bigint,
    status_index    bigint  not null unique,
    version         bigint  not null default 1,
    unique (organization_id, name)
);
create index trusts_by_issuer on trusts (issuer);

-- One row for all the refresh tokens of one grant, however often it is used.
create table refresh_families (
    id           uuid    not null primary key,
    salt         bytea   not null,
    client_id    uuid    references clients (id) on delete cascade,
    api_key_id   uuid    references api_keys (id) on delete cascade,
    granted      text    not null,
    generation   bigint  not null,
    rotated_at   bigint,
    created_at   bigint  not null,
    used_at      bigint  not null,
    expires_at   bigint  not null,
    ended_at     bigint,
    status_index bigint  not null unique
);
create index refresh_families_by_client on refresh_families (client_id);
create index refresh_families_by_api_key on refresh_families (api_key_id);
create index refresh_families_by_expiry on refresh_families (expires_at);

-- What counts only once, until it would not count anyway: a hash of what it is.
create table used_ids (
    hash       bytea   not null primary key,
    expires_at bigint  not null
);
create index used_ids_by_expiry on used_ids (expires_at);

-- Access tokens that were revoked before their time, by their jti.
create table revoked_tokens (
    id         uuid    not null primary key,
    expires_at bigint  not null
);
create index revoked_tokens_by_expiry on revoked_tokens (expires_at);

-- Which proof of possession a key demands: none, any, or thumbprints.
alter table api_keys add column proof text not null default 'none';

-- Whose rules of trust the words quote: only those who reach the organization may read them.
alter table refusals add column organization_id uuid;
