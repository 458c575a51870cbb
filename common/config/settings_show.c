/* Shows the settings in force, and documents them, from the table. */
#include "common/config/settings.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/config/settings_table.h"
#include "common/config/redacted.h"

/* What may not be shown as it is, as the escapes that libconfig reads back. */
static void show_string(FILE *out, const char *text)
{
    size_t bytes;
    fputc('"', out);
    for (const char *p = text; *p; p += bytes) {
        bool shown = text_is_shown(p, &bytes);
        if (*p == '"' || *p == '\\')
            fputc('\\', out);
        if (shown)
            fwrite(p, 1, bytes, out);
        for (size_t i = 0; !shown && i < bytes; i++)
            fprintf(out, "\\x%02x", (unsigned char)p[i]);
    }
    fputc('"', out);
}

static void show_int(FILE *out, int64_t number)
{
    text_print(out, "%" PRId64 "%s", number, number > INT_MAX || number < INT_MIN ? "L" : "");
}

static void show_delays(FILE *out, const struct settings *s)
{
    fputs("( ", out);
    for (size_t i = 0; i < s->worker.retry_delays; i++) {
        fputs(i > 0 ? ", " : "", out);
        show_int(out, s->worker.retry_delays_s[i]);
    }
    fputs(" )", out);
}

static void show_value(FILE *out, const struct setting *row, const void *base)
{
    const void *field = (const char *)base + row->offset;
    if (row->type == SETTING_INT)
        show_int(out, *(const int64_t *)field);
    else if (row->type == SETTING_BOOL)
        fputs(*(const bool *)field ? "true" : "false", out);
    else
        show_string(
            out, setting_redacted(row, *(const char *const *)field, (char[SETTING_REDACTED]){0}));
}

static bool is_given(const struct setting *row, const void *field)
{
    if (row->type == SETTING_BOOL)
        return *(const bool *)field != (strcmp(row->fallback, "true") == 0);
    if (row->type == SETTING_INT)
        return *(const int64_t *)field != 0;
    return *(const char *const *)field;
}

/* { name = "..."; ... }, without what is not given. */
static void show_group(FILE *out, const struct setting *table, size_t count, const void *base)
{
    fputs("{", out);
    for (size_t i = 0; i < count; i++) {
        const void *field = (const char *)base + table[i].offset;
        if (!is_given(&table[i], field))
            continue;
        text_print(out, " %s = ", table[i].path);
        show_value(out, &table[i], base);
        fputc(';', out);
    }
    fputs(" }", out);
}

static void show_aliases(FILE *out, const struct settings *s)
{
    fputs("(", out);
    for (size_t i = 0; i < s->worker.aliases_count; i++) {
        fputs(i > 0 ? ",\n        " : "\n        ", out);
        show_group(out, settings_alias_table, settings_alias_table_count, &s->worker.aliases[i]);
    }
    fputs(" )", out);
}

/* What its messages carry to other programs may hold their keys. */
static void show_entry(FILE *out, const struct settings_entry *entry)
{
    struct settings_entry shown = *entry;
    const char **const texts[] = {&shown.args, &shown.kwargs, &shown.headers};
    char *made[ARRAY_LEN(texts)] = {0};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (*texts[i])
            *texts[i] = made[i] = json_redacted(*texts[i]);
    show_group(out, settings_entry_table, settings_entry_table_count, &shown);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        free(made[i]);
}

static void show_schedule(FILE *out, const struct settings *s)
{
    fputs("(", out);
    for (size_t i = 0; i < s->entries_count; i++) {
        fputs(i > 0 ? ",\n    " : "\n    ", out);
        show_entry(out, &s->entries[i]);
    }
    fputs(" )", out);
}

static void show_setting(FILE *out, const struct setting *row, const struct settings *s)
{
    const char *dot = strchr(row->path, '.');
    text_print(out, "%s%s = ", dot ? "    " : "", dot ? dot + 1 : row->path);
    switch (row->type) {
    case SETTING_DELAYS:
        show_delays(out, s);
        break;
    case SETTING_ALIASES:
        show_aliases(out, s);
        break;
    case SETTING_SCHEDULE:
        show_schedule(out, s);
        break;
    default:
        show_value(out, row, s);
    }
    fputs(";\n", out);
}

/* Passwords are not settings: only whether there is one is shown. */
static void show_secret(FILE *out, const struct secret *secret, const struct settings *s)
{
    const char *password = *(const char *const *)((const char *)s + secret->offset);
    text_print(out, "    # password: %s\n", password[0] ? "set, not shown" : "none");
}

static size_t part_length(const char *path)
{
    const char *dot = strchr(path, '.');
    return dot ? (size_t)(dot - path) : 0;
}

static bool same_part(const char *a, const char *b)
{
    size_t len = part_length(a);
    return len == part_length(b) && strncmp(a, b, len) == 0;
}

void settings_show_entry(const struct settings_entry *entry, FILE *out)
{
    struct settings_entry shown = *entry;
    for (size_t i = 0; i < settings_entry_table_count; i++) {
        const struct setting *row = &settings_entry_table[i];
        const char **field = (const char **)((char *)&shown + row->offset);
        if (row->type != SETTING_INT && row->type != SETTING_BOOL && row->fallback && *field &&
            strcmp(*field, row->fallback) == 0)
            *field = NULL;
    }
    show_group(out, settings_entry_table, settings_entry_table_count, &shown);
}

void settings_show(const struct settings *s, FILE *out)
{
    const char *part = ""; /* of the row before */
    for (size_t i = 0; i < settings_table_count; i++) {
        const struct setting *row = &settings_table[i];
        size_t len = part_length(row->path);
        if (!same_part(part, row->path) && part_length(part) > 0)
            fputs("};\n", out);
        if (!same_part(part, row->path) && len > 0)
            text_print(out, "%.*s = {\n", (int)len, row->path);
        for (size_t j = 0; j < settings_secrets_count; j++)
            if (strcmp(settings_secrets[j].file_path, row->path) == 0)
                show_secret(out, &settings_secrets[j], s);
        show_setting(out, row, s);
        part = row->path;
    }
    if (part_length(part) > 0)
        fputs("};\n", out);
}

/* --- documentation
 * --------------------------------------------------------------------------------- */

/* "|" would end the cell, "<" begin HTML. */
static void document_cell(FILE *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '|' || *p == '<')
            fputc('\\', out);
        fputc(*p, out);
    }
}

static void document_range(FILE *out, const struct setting *row)
{
    if (row->type == SETTING_INT || row->type == SETTING_DELAYS)
        text_print(out, "%" PRId64 " to %" PRId64, row->least, row->most);
    else if (row->words)
        document_cell(out, row->words);
    else if (row->type == SETTING_ALIASES || row->type == SETTING_SCHEDULE)
        text_print(out, "at most %" PRId64, row->most);
}

static void document_row(FILE *out, const struct setting *row)
{
    text_print(out, "| `%s` | %s | %s | ", row->path, setting_type_name(row->type), row->unit);
    if (row->required)
        fputs("required", out);
    else if (row->fallback && row->fallback[0])
        text_print(out, "`%s`", row->fallback);
    fputs(" | ", out);
    document_range(out, row);
    fputs(" | ", out);
    document_cell(out, row->help);
    fputs(" |\n", out);
}

static void document_table(FILE *out, const struct setting *table, size_t count)
{
    fputs("| setting | type | unit | default | range | meaning |\n"
          "| --- | --- | --- | --- | --- | --- |\n",
          out);
    for (size_t i = 0; i < count; i++)
        document_row(out, &table[i]);
}

static void document_secrets(FILE *out)
{
    fputs("\n## Passwords\n"
          "Never on a command line, in no log, not in `--show-config`. Taken from the first "
          "of:\n\n"
          "1. the environment: ",
          out);
    for (size_t i = 0; i < settings_secrets_count; i++)
        text_print(out, "%s`%s`", i > 0 ? ", " : "", settings_secrets[i].variable);
    fputs("\n2. the first line of the file that `password_file` or `credentials.key_file` "
          "names\n"
          "3. for the broker and the database, the URL itself, from which it is taken out at "
          "once\n\nA file that holds a secret, this one too, and the private key of "
          "`broker.key_file` are refused unless nobody\nelse may read or change them, as "
          "libpq and ssh do: mode 600 and ours, or root's and 640 with a group of its own.\n"
          "The environment's secrets are overwritten once they are read.\n",
          out);
}

void settings_document(FILE *out)
{
    fputs(
        "# Settings\n"
        "One file in libconfig's syntax for all programs: `--config FILE`, else "
        "`$METERBEAT_CONFIG`, else\n`config/meterbeat.conf`, else `/etc/meterbeat/meterbeat.conf`. "
        "`--show-config` prints what is in force. A dot is a\ngroup: `broker.queue` is "
        "`broker = { queue = \"meterbeat\"; };`. Relative file names count from the folder of "
        "the\nfile, and so does `@include \"more.conf\"`. A number above 2147483647 ends in `L`. "
        "What is wrong is refused at\nstart with file and line, exit 2.\n\n"
        "This page is made from the table that loads the file: `meterbeatctl "
        "--document-config`.\n\n",
        out);
    document_table(out, settings_table, settings_table_count);
    fputs("\n## Schedule entries\nEach element of `schedule`:\n\n", out);
    document_table(out, settings_entry_table, settings_entry_table_count);
    fputs("\n## Aliases\nEach element of `worker.aliases`:\n\n", out);
    document_table(out, settings_alias_table, settings_alias_table_count);
    document_secrets(out);
}
