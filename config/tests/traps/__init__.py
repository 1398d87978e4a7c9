"""Traps that the libraries below us set, each reproduced once; a test named after each fails when
it is set again.

| trap | tests |
|---|---|
| `with tenant:`, contexts as decorators | test_trap_with_tenant_… |
| a failed `SET search_path` is swallowed | test_trap_failed_search_path_… |
| transaction-mode pooler | test_trap_transaction_pooler_… |
| ASGI and async views | test_trap_asgi_… |
| missing tenant table is answered from `public` | test_trap_missing_tenant_table_… |
| tokens of simplejwt count for every organization | not built yet: no API tokens |
| Retell SDK's `verify` | test_trap_sdk_verify_… |
| webhook handler as in the docs | test_trap_docs_style_handler_… |
| `DATA_UPLOAD_MAX_MEMORY_SIZE` | test_trap_upload_limit_… |
| `exists()`, then `create()` | test_trap_exists_then_create_… |
| `synchronous_commit = off` | test_trap_synchronous_commit_off_… |
| `device.verify_token()` | test_trap_device_verify_token_… |
| first element of `X-Forwarded-For` | test_trap_first_forwarded_address_… |
| auditlog's `mask_fields` | test_trap_auditlog_… |
| django-ratelimit without Redis | test_trap_ratelimit_… |
| Sentry's defaults | not built yet: nothing is sent to Sentry |
| Fernet with one key | test_trap_one_key_for_all_… |
| `pg_dump \\| gzip` with the database down | test_trap_pg_dump_… (dumps of deleted organizations) |
| PDF from HTML | not built yet: no PDF files |
| openpyxl's formulas; formulas in CSV | test_trap_formulas_… (CSV; no spreadsheets yet) |
| `DomainMixin` takes anything | test_trap_domain_mixin_… (no page adds domains yet) |
| Caddy's "ask" that always says yes | not built yet: no such endpoint |
"""
