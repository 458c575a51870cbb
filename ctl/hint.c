/* What a person can do about an error, by its code. */
#include <string.h>

#include "ctl/command.h"

static const struct {
    const char *code, *hint;
} hints[] = {
    {"broker_unreachable", "Is RabbitMQ running where broker.url says? `meterbeatctl check` tries "
                           "every server."},
    {"broker_refused", "Check user, password and virtual host: broker.url, broker.password_file or "
                       "METERBEAT_BROKER_PASSWORD."},
    {"broker_tls", "Check broker.ca_file, cert_file and key_file, and that the name in broker.url "
                   "is the one in the broker's certificate."},
    {"broker_lost", "The connection to RabbitMQ broke off. Whether the message arrived is not "
                    "known; sending the same --id again is safe."},
    {"publish_timeout", "RabbitMQ did not confirm in time (broker.confirm_timeout_s): look for a "
                        "memory or disk alarm."},
    {"no_queue", "There is no such queue: see `meterbeatctl status` for those there are."},
    {"database_unreachable", "Is PostgreSQL running where database.url says? `meterbeatctl check` "
                             "tries every server."},
    {"database_refused", "Check user, password and database: database.url, database.password_file "
                         "or METERBEAT_DATABASE_PASSWORD."},
    {"database_privilege", "init-db needs a user who may create tables and a schema: have the "
                           "owner of the database run it."},
    {"no_record", "`meterbeatctl record list` shows those there are."},
    {"no_building", "In SEED's own database the building has to exist first: give the id of its "
                    "canonical building."},
    {"no_custodian", "`meterbeatctl custodian list` shows those there are."},
    {"no_credentials_key", "meterbeatctl custodian key >FILE, chmod 600, credentials.key_file = "
                           "FILE; or METERBEAT_CREDENTIALS_KEY in the environment."},
    {"seal_refused", "The key is another than the one it was sealed with: put the old one behind "
                     "the new one in credentials.key_file, or set the secret anew."},
    {"zone_rules_differ",
     "Update tzdata where it is the older one, and start that machine's programs "
     "again: see docs/pipeline.md, \"Zones\"."},
    {"http_unreachable", "Is KairosDB running where kairosdb.insert_url and query_url say?"},
    {"http_status", "Something answers there, but not as KairosDB does: check the path of the "
                    "URL, and kairosdb.user with its password."},
};

const char *hint_for(const struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(hints); i++)
        if (strcmp(hints[i].code, e->code) == 0)
            return hints[i].hint;
    return NULL;
}
