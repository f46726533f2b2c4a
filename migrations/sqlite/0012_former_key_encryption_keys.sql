-- Key-encryption keys that were replaced, each wrapped by the one in use. What was derived from
-- them, refresh tokens and secrets of webhooks, goes on working.
create table former_key_encryption_keys (
    id          text    not null primary key,
    wrapped     blob    not null,
    wrapped_by  text    not null,
    replaced_at integer not null
) strict;
