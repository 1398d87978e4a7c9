-- The peer's own corner of the database; made anew for every benchmark and dropped after it.
drop schema if exists bench_peer cascade;
create schema bench_peer;

create table bench_peer.client (
    token text primary key,
    schema_name text not null,
    api_key text not null
);

create table bench_peer.webhook (
    id bigint generated always as identity primary key,
    delivery_key text not null unique,
    body bytea not null,
    received_at timestamptz not null default now()
);
create index webhook_received_at on bench_peer.webhook (received_at);

create table bench_peer.call (
    id bigint generated always as identity primary key,
    call_id text not null unique,
    agent_id text not null,
    call_status text,
    started_at timestamptz,
    ended_at timestamptz,
    duration_ms bigint,
    cost_cents numeric(20, 7),
    disconnection_reason text,
    transcript text,
    analysis jsonb
);
create index call_started_at on bench_peer.call (started_at);
create index call_agent_id on bench_peer.call (agent_id);
