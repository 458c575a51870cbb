/* `custodian`: the utilities' Green Button servers, and how each wants to be asked. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/store/custodian.h"
#include "common/config/clear_text.h"
#include "common/store/secret.h"
#include "ctl/commands.h"
#include "ctl/option.h"
#include "common/greenbutton/resource_url.h"
#include "ctl/secret_input.h"
#include "ctl/session.h"
#include "ctl/table.h"

#define ARGUMENTS_MAX 4

struct request {
    struct ctl *ctl;
    struct session *session;
    const char **arguments; /* the verb first */
    size_t count;
    const char *file;
    bool json;
};

static const struct option_row options[] = {
    {"file", "FILE", "Read the secret from FILE, not from standard input (set)", 0, 1, TEXT(file)},
    {"json", NULL, "One JSON object a line (list, show)", 'j', 2, FLAG(json)},
};

/* What can be set, below the options of --help. */
static char *list_columns(void)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return NULL;
    fputs("What can be set (secrets are read from standard input or --file):\n", out);
    for (size_t i = 0; i < custodian_columns_count; i++)
        text_print(out, "  %-20s %s%s\n", custodian_columns[i].name,
                   custodian_columns[i].is_secret ? "(secret) " : "", custodian_columns[i].help);
    fputs("\nExample:\n  meterbeatctl custodian add hydro "
          "https://utility.example/espi/1_1/resource\n"
          "  meterbeatctl custodian set hydro token_url https://utility.example/oauth/token\n"
          "  meterbeatctl custodian set hydro client_secret <secret.txt",
          out);
    fclose(out);
    return text;
}

static const struct usage usage = {
    USAGE_OPTIONS(options),
    .arguments = "key\nadd NAME BASE-URL\nset NAME COLUMN [VALUE]\nlist\nshow NAME\nremove NAME\n"
                 "reseal [NAME]",
    .doc = "Utilities that are asked by Green Button Connect My Data.\v ",
    .most = ARGUMENTS_MAX,
    .more_help = list_columns,
};

/* --- the verbs -------------------------------------------------------------------------------- */

static bool is_open(const struct request *r, const char *column, const char *value)
{
    return strstr(column, "_url") && value[0] && !clear_text_allowed(&r->ctl->settings, value);
}

static int add_run(struct request *r)
{
    char host[RESOURCE_HOST];
    struct err e;
    int64_t id;
    if (!resource_url_host(r->arguments[2], host, &e))
        return ctl_misused("%s", e.text);
    if (is_open(r, "base_url", r->arguments[2]))
        return ctl_misused("base_url: http:// to another host would show its tokens to the "
                           "network: https://, or allow_clear_text");
    if (!custodian_add(r->session->pg, r->arguments[1], r->arguments[2], &id, &e))
        return ctl_fail(&e);
    text_print(stdout, "%" PRId64 "\n", id);
    return CTL_OK;
}

static bool is_secret(const char *column)
{
    for (size_t i = 0; i < custodian_columns_count; i++)
        if (strcmp(custodian_columns[i].name, column) == 0)
            return custodian_columns[i].is_secret;
    return false;
}

static int set_secret(struct request *r)
{
    struct err e;
    const char *keys = r->ctl->settings.credentials.key;
    if (r->count > 3)
        return ctl_misused("%s is a secret: it is read from standard input or --file, never from "
                           "the command line",
                           r->arguments[2]);
    char *secret CLEANUP(secret_keys_freep) = secret_input(r->file, &e);
    if (!secret || !custodian_set(r->session->pg, keys, r->arguments[1], r->arguments[2],
                                  secret[0] ? secret : NULL, &e))
        return ctl_fail(&e);
    return CTL_OK;
}

static int set_run(struct request *r)
{
    struct err e;
    char host[RESOURCE_HOST];
    const char *column = r->arguments[2], *value = r->arguments[3];
    if (is_secret(column))
        return set_secret(r);
    if (r->count != 4)
        return ctl_misused("custodian set wants a NAME, a COLUMN and a VALUE");
    if (strstr(column, "_url") && value[0] && !resource_url_host(value, host, &e))
        return ctl_misused("%s: %s", column, e.text);
    if (is_open(r, column, value))
        return ctl_misused("%s: http:// to another host would show its secrets to the network: "
                           "https://, or allow_clear_text",
                           column);
    if (!custodian_set(r->session->pg, r->ctl->settings.credentials.key, r->arguments[1], column,
                       value, &e))
        return ctl_fail(&e);
    return CTL_OK;
}

/* A person calls it, who sees where the secrets will be sent. */
static int reseal_run(struct request *r)
{
    struct err e;
    const char *name = r->count > 1 ? r->arguments[1] : "";
    PGresult *rows CLEANUP(pg_clear) = custodian_servers(r->session->pg, name, false, &e);
    if (!rows)
        return ctl_fail(&e);
    for (int i = 0; i < PQntuples(rows); i++) {
        int64_t count = 0;
        if (!custodian_reseal(r->session->pg, r->ctl->settings.credentials.key,
                              pg_int(rows, i, 0, 0), &count, &e))
            return ctl_fail(&e);
        text_print(stdout, "%s: %" PRId64 " sealed for %s %s\n", pg_text(rows, i, 1), count,
                   pg_text(rows, i, 2), pg_text(rows, i, 3));
    }
    return CTL_OK;
}

static int remove_run(struct request *r)
{
    struct err e;
    return custodian_remove(r->session->pg, r->arguments[1], &e) ? CTL_OK : ctl_fail(&e);
}

/* --- list and show ---------------------------------------------------------------------------- */

static int list_run(struct request *r)
{
    static const char *const titles[] = {"custodian", ">records", ">waiting", ">refused", "url"};
    CLEANUP(table_free) struct table t = table_make(titles, ARRAY_LEN(titles));
    struct err e;
    PGresult *rows CLEANUP(pg_clear) = custodian_list(r->session->pg, "", &e);
    if (!rows)
        return ctl_fail(&e);
    for (int i = 0; i < PQntuples(rows); i++) {
        if (r->json && !ctl_print_json(json_loads(pg_text(rows, i, 5), 0, NULL), &e))
            return ctl_fail(&e);
        if (r->json)
            continue;
        table_row(&t, "%s\t%s\t%s\t%s\t%s", pg_text(rows, i, 0), pg_text(rows, i, 2),
                  pg_text(rows, i, 3), pg_text(rows, i, 4), pg_text(rows, i, 1));
    }
    if (t.count > 0)
        table_print(&t, stdout);
    else if (!r->json)
        text_print(stderr, "meterbeatctl: no custodians yet: meterbeatctl custodian add --help\n");
    return CTL_OK;
}

static void show_column(const json_t *row, const struct custodian_column *column)
{
    const json_t *value = json_object_get(row, column->name);
    if (column->is_secret) {
        text_print(stdout, "%-20s %s\n", column->name,
                   json_is_true(value) ? "set, not shown" : "none");
    } else if (json_is_string(value)) {
        text_print(stdout, "%-20s %s\n", column->name, json_string_value(value));
    } else {
        char *text = json_dumps(value, JSON_ENCODE_ANY);
        text_print(stdout, "%-20s %s\n", column->name, text ? text : "");
        free(text);
    }
}

static int show_run(struct request *r)
{
    struct err e;
    PGresult *rows CLEANUP(pg_clear) = custodian_list(r->session->pg, r->arguments[1], &e);
    int64_t id;
    if (!rows ||
        (PQntuples(rows) == 0 && !custodian_find(r->session->pg, r->arguments[1], &id, &e)))
        return ctl_fail(&e);
    json_t *row = json_loads(pg_text(rows, 0, 5), 0, NULL);
    if (r->json)
        return ctl_print_json(row, &e) ? CTL_OK : ctl_fail(&e);
    for (size_t i = 0; row && i < custodian_columns_count; i++)
        show_column(row, &custodian_columns[i]);
    json_decref(row);
    text_print(stdout, "%-20s %s, %s waiting for an answer\n", "records", pg_text(rows, 0, 2),
               pg_text(rows, 0, 3));
    text_print(stdout, "%-20s %s\n", "refused", pg_text(rows, 0, 4));
    return CTL_OK;
}

/* --- which verb ------------------------------------------------------------------------------- */

static const struct verb {
    const char *name;
    size_t least, most; /* arguments, the verb counted */
    int (*run)(struct request *r);
} verbs[] = {
    {"add", 3, 3, add_run},   {"set", 3, 4, set_run},       {"list", 1, 1, list_run},
    {"show", 2, 2, show_run}, {"remove", 2, 2, remove_run}, {"reseal", 1, 2, reseal_run},
};

/* Needs neither database nor configuration. */
static int key_run(void)
{
    char key[SECRET_KEY_TEXT];
    struct err e;
    if (!secret_key_make(key, &e))
        return ctl_fail(&e);
    text_print(stdout, "%s\n", key);
    explicit_bzero(key, sizeof key);
    return CTL_OK;
}

static int perform(struct request *r, const struct verb *verb)
{
    CLEANUP(session_end) struct session session = {.settings = &r->ctl->settings};
    struct err e;
    r->session = &session;
    return session_database(&session, true, &e) ? verb->run(r) : ctl_fail(&e);
}

int custodian_run(struct ctl *c, int argc, char **argv)
{
    struct request r = {.ctl = c};
    const struct verb *verb = NULL;
    int status;
    option_parse(c, &usage, &r, argc, argv);
    r.arguments = c->arguments;
    r.count = c->argument_count;
    if (r.count == 1 && strcmp(r.arguments[0], "key") == 0)
        return key_run();
    for (size_t i = 0; r.count > 0 && i < ARRAY_LEN(verbs); i++)
        if (strcmp(verbs[i].name, r.arguments[0]) == 0)
            verb = &verbs[i];
    if (!verb)
        return ctl_misused("custodian what? key, add, set, list, show, remove or reseal");
    if (r.count < verb->least || r.count > verb->most)
        return ctl_misused("custodian %s: wrong number of arguments; --help shows them",
                           verb->name);
    return ctl_settings(c, &status) ? perform(&r, verb) : status;
}
