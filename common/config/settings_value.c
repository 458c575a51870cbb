/* Checks one setting by its row of the table and puts it into its field. */
#include "common/config/settings_value.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/timezone.h"
#include "common/config/node_name.h"
#include "common/config/url.h"

/* A row, the place in the file, and the text to check: what each check is about. */
struct value {
    struct loading *l;
    const struct setting *row;
    const config_setting_t *setting; /* NULL for a default */
    const char *text;
};

const char *loading_file(const struct loading *l, const char *named, char out[LOADING_FILE])
{
    bool as_given = !named || strcmp(named, l->path) == 0;
    if (as_given || named[0] == '/')
        snprintf(out, LOADING_FILE, "%s", as_given ? l->path : named);
    else
        snprintf(out, LOADING_FILE, "%s/%s", l->folder, named);
    return out;
}

bool loading_refuse(const struct loading *l, const config_setting_t *setting, const char *name,
                    const char *format, ...)
{
    char why[400];
    va_list values;
    va_start(values, format);
    vsnprintf(why, sizeof why, format, values);
    va_end(values);
    char file[LOADING_FILE];
    if (!setting)
        return err_set(l->e, ERR_FATAL, "bad_setting", "%s: %s: %s", l->path, name, why);
    return err_set(l->e, ERR_FATAL, "bad_setting", "%s:%u: %s: %s",
                   loading_file(l, config_setting_source_file(setting), file),
                   (unsigned)config_setting_source_line(setting), name, why);
}

bool loading_copy(const struct loading *l, const char *text, const char **ret_copy)
{
    const char *copy = strings_copy(l->strings, text, strlen(text));
    if (!copy)
        return err_set(l->e, ERR_FATAL, "no_memory", "%s: no memory", l->path);
    *ret_copy = copy;
    return true;
}

static bool refuse_value(const struct value *v, const char *why)
{
    return loading_refuse(v->l, v->setting, v->row->path, "%s", why);
}

/* --- what a text has to be ----------------------------------------------------------------------
 */

static bool check_text(const struct value *v)
{
    int64_t len = (int64_t)strlen(v->text);
    if (len < v->row->least)
        return len == 0 ? refuse_value(v, "must not be empty") : refuse_value(v, "too short");
    if (len > v->row->most)
        return loading_refuse(v->l, v->setting, v->row->path, "%" PRId64 " bytes, at most %" PRId64,
                              len, v->row->most);
    for (const char *p = v->text; *p; p++)
        if (((unsigned char)*p < ' ' || *p == 0x7f) &&
            !(*p == '\t' && v->row->type == SETTING_CRONTAB))
            return refuse_value(v, "a control character");
    return true;
}

static bool check_word(const struct value *v)
{
    if (word_among(v->text, strlen(v->text), v->row->words))
        return true;
    return loading_refuse(v->l, v->setting, v->row->path, "\"%.60s\", must be one of %s", v->text,
                          v->row->words);
}

static bool check_url(const struct value *v)
{
    char what[URL_WHAT];
    if (!v->text[0] && v->row->least == 0)
        return true;
    if (v->row->type == SETTING_BROKER)
        return broker_urls_check(v->text, what) || refuse_value(v, what);
    if (!url_check(v->text, v->row->words, what))
        return refuse_value(v, what);
    if (v->row->type == SETTING_URL && url_has_user(v->text))
        return refuse_value(v, "user and password do not belong into this URL: see the settings "
                               "user and password_file");
    return true;
}

static bool check_database(const struct value *v)
{
    char what[URL_WHAT];
    return database_check(v->text, what) || refuse_value(v, what);
}

static bool zone_known(const struct loading *l, const char *name)
{
    for (size_t i = 0; i < l->zones_count; i++)
        if (strcmp(l->zones[i], name) == 0)
            return true;
    return false;
}

static bool check_zone(const struct value *v)
{
    if (zone_known(v->l, v->text))
        return true;
    struct timezone_rules *zone = NULL;
    struct err e;
    if (!timezone_load(v->text, &zone, &e))
        return loading_refuse(v->l, v->setting, v->row->path,
                              "\"%.60s\", not a time zone of this system", v->text);
    timezone_free(zone);
    const char *name = NULL;
    if (!loading_copy(v->l, v->text, &name))
        return false;
    if (v->l->zones_count < LOADING_ZONES)
        v->l->zones[v->l->zones_count++] = name;
    return true;
}

static bool check_json(const struct value *v)
{
    json_error_t why;
    json_t *json = json_loads(v->text, JSON_REJECT_DUPLICATES, &why);
    bool list = v->row->type == SETTING_JSON_LIST;
    bool right = list ? json_is_array(json) : json_is_object(json);
    bool none = !json;
    json_decref(json);
    if (none)
        return loading_refuse(v->l, v->setting, v->row->path, "no JSON: %s at column %d", why.text,
                              why.column);
    return right || refuse_value(v, list ? "must be a JSON list, such as [\"a\", 1]"
                                         : "must be a JSON object, such as {\"building\": \"42\"}");
}

/* Relative names count from the folder of the configuration; the absolute one goes to *ret_path. */
static bool check_path(const struct value *v, const char **ret_path)
{
    char absolute[8192];
    bool relative = v->text[0] != '/' && v->text[0];
    int len = snprintf(absolute, sizeof absolute, "%s%s%s", relative ? v->l->folder : "",
                       relative ? "/" : "", v->text);
    if (len < 0 || (size_t)len >= sizeof absolute)
        return refuse_value(v, "too long");
    if (len > 0 && access(absolute, R_OK) != 0)
        return loading_refuse(v->l, v->setting, v->row->path, "%.200s: %s", absolute,
                              strerror(errno));
    return loading_copy(v->l, absolute, ret_path);
}

static bool check_node(const struct value *v)
{
    const char *fault = node_name_fault(v->text);
    return !fault || refuse_value(v, fault);
}

static bool check_by_type(const struct value *v)
{
    switch (v->row->type) {
    case SETTING_WORD:
        return check_word(v);
    case SETTING_URL:
    case SETTING_BROKER:
        return check_url(v);
    case SETTING_DATABASE:
        return check_database(v);
    case SETTING_ZONE:
        return check_zone(v);
    case SETTING_NODE:
        return check_node(v);
    case SETTING_JSON_LIST:
    case SETTING_JSON_OBJECT:
        return check_json(v);
    default:
        return true;
    }
}

static bool set_text(const struct value *v, const char **field)
{
    if (v->row->type != SETTING_WORD && !check_text(v))
        return false;
    if (v->row->type == SETTING_PATH)
        return check_path(v, field);
    return check_by_type(v) && loading_copy(v->l, v->text, field);
}

static bool set_int(const struct value *v, int64_t number, int64_t *field)
{
    if (number < v->row->least || number > v->row->most)
        return loading_refuse(v->l, v->setting, v->row->path,
                              "%" PRId64 ", must be from %" PRId64 " to %" PRId64 "%s%s", number,
                              v->row->least, v->row->most, v->row->unit[0] ? " " : "",
                              v->row->unit);
    *field = number;
    return true;
}

/* --- the retry ladder ----------------------------------------------------------------------------
 */

static bool add_delay(const struct value *v, int64_t delay_s, struct settings *s)
{
    size_t n = s->worker.retry_delays;
    if (n == SETTINGS_MAX_RETRY_DELAYS)
        return refuse_value(v, "more than 16 delays");
    if (n > 0 && delay_s <= s->worker.retry_delays_s[n - 1])
        return refuse_value(v, "each delay must be longer than the one before");
    if (!set_int(v, delay_s, &s->worker.retry_delays_s[n]))
        return false;
    s->worker.retry_delays++;
    return true;
}

static bool is_int(const config_setting_t *setting)
{
    int type = config_setting_type(setting);
    return type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
}

static bool set_delays(const struct value *v)
{
    struct settings *s = v->l->settings;
    s->worker.retry_delays = 0;
    for (int i = 0; i < config_setting_length(v->setting); i++) {
        const config_setting_t *delay = config_setting_get_elem(v->setting, (unsigned)i);
        if (!is_int(delay))
            return refuse_value(v, "must be a list of integers, such as ( 10, 60, 600 )");
        if (!add_delay(v, config_setting_get_int64(delay), s))
            return false;
    }
    return s->worker.retry_delays > 0 || refuse_value(v, "must hold at least one delay");
}

static bool default_delays(const struct value *v)
{
    char *rest = (char *)v->text;
    while (*rest) {
        if (!add_delay(v, strtoll(rest, &rest, 10), v->l->settings))
            return false;
        rest += strspn(rest, ", ");
    }
    return true;
}

/* --- from the table, from the file ---------------------------------------------------------------
 */

static bool set_default(const struct value *v, void *field)
{
    switch (v->row->type) {
    case SETTING_INT:
        return set_int(v, strtoll(v->text, NULL, 10), field);
    case SETTING_BOOL:
        *(bool *)field = strcmp(v->text, "true") == 0;
        return true;
    case SETTING_DELAYS:
        return default_delays(v);
    default:
        return set_text(v, field);
    }
}

bool loading_defaults(struct loading *l, const struct setting *table, size_t count, void *base)
{
    for (size_t i = 0; i < count; i++) {
        struct value v = {.l = l, .row = &table[i], .text = table[i].fallback};
        if (v.text && !set_default(&v, (char *)base + table[i].offset))
            return false;
    }
    return true;
}

static bool wrong_type(const struct value *v)
{
    return loading_refuse(v->l, v->setting, v->row->path, "must be %s %s",
                          strchr("iU", setting_type_name(v->row->type)[0]) ? "an" : "a",
                          setting_type_name(v->row->type));
}

/* Of a setting that was a boolean before it had words; NULL: it never was. */
static const char *word_of_bool(const struct setting *row, bool is_true)
{
    static const struct {
        const char *path, *when_false, *when_true;
    } former[] = {{"worker.remote_control", "off", "all"}};
    for (size_t i = 0; i < ARRAY_LEN(former); i++)
        if (strcmp(row->path, former[i].path) == 0)
            return is_true ? former[i].when_true : former[i].when_false;
    return NULL;
}

bool loading_value(struct loading *l, const struct setting *row, const config_setting_t *setting,
                   void *base)
{
    struct value v = {.l = l, .row = row, .setting = setting};
    void *field = (char *)base + row->offset;
    int type = config_setting_type(setting);
    switch (row->type) {
    case SETTING_INT:
        return is_int(setting) ? set_int(&v, config_setting_get_int64(setting), field)
                               : wrong_type(&v);
    case SETTING_BOOL:
        if (type != CONFIG_TYPE_BOOL)
            return wrong_type(&v);
        *(bool *)field = config_setting_get_bool(setting);
        return true;
    case SETTING_DELAYS:
        return type == CONFIG_TYPE_ARRAY || type == CONFIG_TYPE_LIST ? set_delays(&v)
                                                                     : wrong_type(&v);
    default:
        if (type == CONFIG_TYPE_STRING)
            v.text = config_setting_get_string(setting);
        else if (type == CONFIG_TYPE_BOOL)
            v.text = word_of_bool(row, config_setting_get_bool(setting));
        return v.text ? set_text(&v, field) : wrong_type(&v);
    }
}
