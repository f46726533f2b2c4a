-- Each change of a row counts its version up: who edits what was changed meanwhile is told.
alter table organizations add column version bigint not null default 1;
alter table roles add column version bigint not null default 1;
alter table users add column version bigint not null default 1;
alter table memberships add column version bigint not null default 1;
alter table resources add column version bigint not null default 1;
alter table api_keys add column version bigint not null default 1;
alter table api_keys add column locked_at bigint;
alter table api_keys add column when_leaked text not null default 'revoke';
create index organizations_by_parent on organizations (parent_id);

-- Events are numbered in the order of the commits, and each carries a hash over itself and the one
-- before it. Those of older versions have neither.
alter table audit_events add column number bigint;
alter table audit_events add column hash bytea;
create unique index audit_events_by_number on audit_events (number);
create index audit_events_by_organization on audit_events (organization_id, number);
create index audit_events_by_actor on audit_events (actor, number);
insert into counters (name, value) values ('audit_events', 0);

-- The newest event that was deleted for its age: where the chain begins.
create table audit_anchors (
    number bigint not null primary key,
    hash   bytea  not null
);

-- What was made by requests that may be repeated.
create table idempotency_keys (
    actor       text    not null,
    key         text    not null,
    fingerprint bytea   not null,
    made        text    not null,
    created_at  bigint  not null,
    primary key (actor, key)
);
create index idempotency_keys_by_time on idempotency_keys (created_at);
