-- Records of the usage journal that could not be counted, as the journal had them.
create table usage_quarantine (
    id     uuid   not null primary key,
    at     bigint not null,
    reason text   not null,
    batch  text   not null
);
create index usage_quarantine_by_time on usage_quarantine (at);
