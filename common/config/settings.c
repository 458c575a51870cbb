/* Loads the configuration file: looks it over, parses it, and walks it along the table. */
#include "common/config/settings.h"

#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/config/password.h"
#include "common/config/settings_table.h"
#include "common/config/settings_value.h"
#include "common/config/source.h"
#include "common/config/strings.h"

#define PATH_TEXT 120 /* of a setting: part, dot, name */

const char *settings_path(const char *option)
{
    static const char *const usual[] = {"config/meterbeat.conf", "/etc/meterbeat/meterbeat.conf"};
    if (option)
        return option;
    const char *variable = getenv("METERBEAT_CONFIG");
    if (variable && variable[0])
        return variable;
    return access(usual[0], F_OK) == 0 ? usual[0] : usual[1];
}

const char *settings_task_name(const struct settings *s, const char *name)
{
    for (size_t i = 0; i < s->worker.aliases_count; i++)
        if (strcmp(s->worker.aliases[i].name, name) == 0)
            return s->worker.aliases[i].task;
    return name;
}

void settings_free(struct settings *s)
{
    strings_free(s->owner);
    free(s->entries);
    *s = (struct settings){0};
}

/* --- lists of groups
 * ------------------------------------------------------------------------------ */

/* One group of a list, by a table of its own: defaults, then what is there, then what has to be. */
static bool load_group(struct loading *l, const config_setting_t *group,
                       const struct setting *table, size_t count, const char *name, void *base)
{
    if (config_setting_type(group) != CONFIG_TYPE_GROUP)
        return loading_refuse(l, group, name, "must be a list of groups: ( { ... }, { ... } )");
    if (!loading_defaults(l, table, count, base))
        return false;
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *element = config_setting_get_elem(group, (unsigned)i);
        const char *key = config_setting_name(element);
        const struct setting *row = setting_find(table, count, key);
        if (!row)
            return loading_refuse(l, element, name, "unknown setting \"%.60s\"", key);
        if (!loading_value(l, row, element, base))
            return false;
    }
    for (size_t i = 0; i < count; i++)
        if (table[i].required && !config_setting_get_member(group, table[i].path))
            return loading_refuse(l, group, name, "without \"%s\"", table[i].path);
    return true;
}

static bool list_length(const struct loading *l, const config_setting_t *list, const char *name,
                        int64_t most, size_t *ret_length)
{
    int type = config_setting_type(list);
    int length = config_setting_length(list);
    if (type != CONFIG_TYPE_LIST && !(type == CONFIG_TYPE_ARRAY && length == 0))
        return loading_refuse(l, list, name, "must be a list of groups: ( { ... }, { ... } )");
    if (length > most)
        return loading_refuse(l, list, name, "%d groups, at most %" PRId64, length, most);
    *ret_length = (size_t)length;
    return true;
}

static bool load_aliases(struct loading *l, const config_setting_t *list)
{
    struct settings *s = l->settings;
    size_t count = 0;
    if (!list_length(l, list, "worker.aliases", SETTINGS_MAX_ALIASES, &count))
        return false;
    for (size_t i = 0; i < count; i++) {
        const config_setting_t *group = config_setting_get_elem(list, (unsigned)i);
        struct settings_alias *alias = &s->worker.aliases[i];
        if (!load_group(l, group, settings_alias_table, settings_alias_table_count,
                        "worker.aliases", alias))
            return false;
        for (size_t j = 0; j < i; j++)
            if (strcmp(s->worker.aliases[j].name, alias->name) == 0)
                return loading_refuse(l, group, "worker.aliases", "a second alias \"%.60s\"",
                                      alias->name);
        s->worker.aliases_count = i + 1;
    }
    return true;
}

static int by_name(const void *a, const void *b)
{
    const struct settings_entry *x = *(struct settings_entry *const *)a;
    const struct settings_entry *y = *(struct settings_entry *const *)b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : (x > y) - (x < y);
}

static bool entries_unique(const struct loading *l)
{
    struct settings *s = l->settings;
    if (s->entries_count < 2)
        return true;
    const struct settings_entry **order = calloc(s->entries_count, sizeof *order);
    if (!order)
        return err_set(l->e, ERR_FATAL, "no_memory", "%s: no memory", l->path);
    for (size_t i = 0; i < s->entries_count; i++)
        order[i] = &s->entries[i];
    qsort(order, s->entries_count, sizeof *order, by_name);
    bool ok = true;
    for (size_t i = 1; ok && i < s->entries_count; i++)
        if (strcmp(order[i - 1]->name, order[i]->name) == 0)
            ok = err_set(l->e, ERR_FATAL, "bad_setting",
                         "%s:%d: schedule: a second entry \"%.60s\", the first is in line %d",
                         order[i]->file, order[i]->line, order[i]->name, order[i - 1]->line);
    free(order);
    return ok;
}

/* Settings of an entry that are each fine, and wrong together. */
static bool check_entry(const struct loading *l, const config_setting_t *group,
                        const struct settings_entry *entry)
{
    if (!entry->every && !entry->crontab)
        return loading_refuse(l, group, "schedule", "without \"every\" or \"crontab\"");
    if (entry->every && entry->crontab)
        return loading_refuse(l, group, "schedule", "\"every\" and \"crontab\": one of them");
    if (entry->anchor && entry->crontab)
        return loading_refuse(l, group, "schedule", "\"anchor\" goes with \"every\" only");
    if (entry->time_limit_s > 0 && entry->soft_time_limit_s > entry->time_limit_s)
        return loading_refuse(l, group, "schedule",
                              "\"soft_time_limit_s\" is above \"time_limit_s\"");
    return true;
}

static bool load_schedule(struct loading *l, const config_setting_t *list)
{
    struct settings *s = l->settings;
    char file[LOADING_FILE];
    size_t count = 0;
    if (!list_length(l, list, "schedule", SETTINGS_MAX_ENTRIES, &count))
        return false;
    s->entries = calloc(count > 0 ? count : 1, sizeof *s->entries);
    if (!s->entries)
        return err_set(l->e, ERR_FATAL, "no_memory", "%s: no memory", l->path);
    for (size_t i = 0; i < count; i++) {
        const config_setting_t *group = config_setting_get_elem(list, (unsigned)i);
        struct settings_entry *entry = &s->entries[i];
        if (!load_group(l, group, settings_entry_table, settings_entry_table_count, "schedule",
                        entry) ||
            !check_entry(l, group, entry) ||
            !loading_copy(l, loading_file(l, config_setting_source_file(group), file),
                          &entry->file))
            return false;
        entry->line = (int)config_setting_source_line(group);
        s->entries_count = i + 1;
    }
    return entries_unique(l);
}

/* --- the file
 * --------------------------------------------------------------------------------------- */

static bool load_setting(struct loading *l, const config_setting_t *setting, const char *path)
{
    const struct setting *row = setting_find(settings_table, settings_table_count, path);
    if (!row)
        return loading_refuse(l, setting, path, "unknown setting; docs/settings.md lists all");
    if (row->type == SETTING_ALIASES)
        return load_aliases(l, setting);
    if (row->type == SETTING_SCHEDULE)
        return load_schedule(l, setting);
    return loading_value(l, row, setting, l->settings);
}

static bool is_part(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < settings_table_count; i++)
        if (strncmp(settings_table[i].path, name, len) == 0 && settings_table[i].path[len] == '.')
            return true;
    return false;
}

/* What stands between the braces of a part, such as broker = { ... }. */
static bool load_part(struct loading *l, const config_setting_t *part)
{
    const char *name = config_setting_name(part);
    if (config_setting_type(part) != CONFIG_TYPE_GROUP)
        return loading_refuse(l, part, name, "must be a group: %s = { ... }", name);
    for (int i = 0; i < config_setting_length(part); i++) {
        const config_setting_t *element = config_setting_get_elem(part, (unsigned)i);
        char path[PATH_TEXT];
        snprintf(path, sizeof path, "%s.%.60s", name, config_setting_name(element));
        if (!load_setting(l, element, path))
            return false;
    }
    return true;
}

static bool load_all(struct loading *l, const config_setting_t *root)
{
    for (int i = 0; i < config_setting_length(root); i++) {
        const config_setting_t *element = config_setting_get_elem(root, (unsigned)i);
        const char *name = config_setting_name(element);
        if (is_part(name) ? !load_part(l, element) : !load_setting(l, element, name))
            return false;
    }
    return true;
}

/* Settings that are each fine, and wrong together. */
static bool check_together(const struct loading *l)
{
    const struct settings *s = l->settings;
    if (!s->broker.cert_file[0] != !s->broker.key_file[0])
        return loading_refuse(l, NULL, "broker.cert_file",
                              "cert_file and key_file go together: one of them is missing");
    if (s->broker.queue_max_priority && strcmp(s->broker.queue_type, "quorum") == 0)
        return loading_refuse(l, NULL, "broker.queue_max_priority",
                              "quorum queues take no x-max-priority");
    return true;
}

/* Parses the file and fills l->settings from the table's defaults, the file and the secrets. */
static bool read_all(struct loading *l)
{
    config_t config;
    config_init(&config);
    config_set_include_dir(&config, l->folder);
    bool ok;
    if (config_read_file(&config, l->path) == CONFIG_TRUE) {
        ok = loading_defaults(l, settings_table, settings_table_count, l->settings) &&
             load_all(l, config_root_setting(&config)) && check_together(l) && password_load_all(l);
    } else {
        char file[LOADING_FILE];
        ok = err_set(l->e, ERR_FATAL, "bad_configuration", "%s:%d: %s",
                     loading_file(l, config_error_file(&config), file), config_error_line(&config),
                     config_error_text(&config));
    }
    config_destroy(&config);
    return ok;
}

/* The absolute folder of the file; the caller frees. */
static bool folder_of(const char *path, char **ret_folder, struct err *e)
{
    char *absolute = realpath(path, NULL);
    if (!absolute)
        return err_set(e, ERR_FATAL, "bad_configuration",
                       "%s: %m (name the configuration with --config or METERBEAT_CONFIG)", path);
    char *folder = dirname(absolute);
    if (folder != absolute)
        memmove(absolute, folder, strlen(folder) + 1);
    *ret_folder = absolute;
    return true;
}

static void empty_strings(struct settings *s)
{
    for (size_t i = 0; i < BROKER_URLS_MAX; i++)
        s->broker.url_passwords[i] = "";
    s->broker.password = s->database.password = s->kairosdb.password = "";
    s->credentials.key = "";
}

bool settings_load(const char *path, struct settings *ret_settings, struct err *e)
{
    struct settings s = {.owner = strings_new()};
    if (!s.owner)
        return err_set(e, ERR_FATAL, "no_memory", "%s: no memory", path);
    empty_strings(&s);
    char *folder = NULL, *loose = NULL;
    bool ok = folder_of(path, &folder, e);
    struct loading l = {.path = path, .folder = folder, .strings = s.owner, .settings = &s, .e = e};
    ok = ok && source_check(path, folder, &loose, e);
    l.loose = loose;
    ok = ok && read_all(&l);
    free(loose);
    free(folder);
    if (ok)
        *ret_settings = s;
    else
        settings_free(&s);
    return ok;
}
