-- Records of the usage journal that could not be counted, as the journal had them.
create table usage_quarantine (
    id     blob    not null primary key,
    at     integer not null,
    reason text    not null,
    batch  text    not null
) strict;
create index usage_quarantine_by_time on usage_quarantine (at);
