/* The configuration: what loads, what is refused and where, what is shown. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/config/file_mode.h"
#include "common/config/password.h"
#include "common/config/settings.h"
#include "common/schedule/schedule.h"

/* libconfig 1.5 forgets a string that a syntax error comes right after; programs end with it. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig\n";
}

static char folder[] = "/tmp/meterbeat-settings-XXXXXX";

static const char *file_path(const char *name)
{
    static char path[2][PATH_MAX];
    static int turn;
    turn = !turn;
    (void)snprintf(path[turn], PATH_MAX, "%s/%s", folder, name);
    return path[turn];
}

static const char *file_with(const char *name, const char *text)
{
    const char *path = file_path(name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0600), 0);
    return path;
}

static struct settings loaded(const char *text)
{
    struct settings s;
    struct err e = {0};
    if (!settings_load(file_with("a.conf", text), &s, &e))
        fail_msg("%s", e.text);
    return s;
}

/* text is refused, and the error ends with "a.conf" and then the words given. */
/* What ends in ": " is followed by a library's own words, which change from release to release. */
static void refused(const char *text, const char *words)
{
    struct settings s;
    struct err e = {0};
    const char *path = file_with("a.conf", text);
    if (settings_load(path, &s, &e))
        fail_msg("accepted: %.200s", text);
    assert_int_equal(e.kind, ERR_FATAL);
    char expected[600];
    (void)snprintf(expected, sizeof(expected), "%s%s", path, words);
    size_t length = strlen(expected);
    bool goes_on = expected[length - 2] == ':' && expected[length - 1] == ' ';
    if (strncmp(e.text, expected, length) != 0 || (e.text[length] != '\0') != goes_on)
        fail_msg("said     %s\nexpected %s", e.text, expected);
}

static void an_empty_file_gives_the_defaults(void **state)
{
    (void)state;
    struct settings s = loaded("");
    assert_int_equal(s.broker.heartbeat_s, 10);
    assert_int_equal(s.worker.prefetch, 1);
    assert_int_equal(s.worker.retry_delays, 4);
    assert_int_equal(s.worker.retry_delays_s[3], 3600);
    assert_int_equal(s.feed.max_bytes, INT64_C(4294967296));
    assert_string_equal(s.broker.queue, "meterbeat");
    assert_string_equal(s.producer.serializer, "json");
    assert_int_equal(s.entries_count, 0);
    settings_free(&s);
    settings_free(&s);
}

static void remote_control_is_closed_and_open_by_the_booleans_of_older_versions(void **state)
{
    (void)state;
    static const char *const words[][2] = {
        {"false", "off"}, {"true", "all"}, {"\"inspect\"", "inspect"}, {"\"off\"", "off"}};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        char text[100];
        (void)snprintf(text, sizeof(text), "worker: { remote_control = %s; };\n", words[i][0]);
        struct settings s = loaded(text);
        assert_string_equal(s.worker.remote_control, words[i][1]);
        settings_free(&s);
    }
    refused("worker: { remote_control = 1; };\n", ":1: worker.remote_control: must be a word");
    refused("log_level = true;\n", ":1: log_level: must be a word");
}

static void a_schedule_entry_is_read_with_its_place(void **state)
{
    (void)state;
    struct settings s =
        loaded("timezone = \"America/New_York\";\n"
               "schedule = (\n"
               "  { name = \"daily\"; task = \"doParser\"; every = \"2s\"; },\n"
               "  { name = \"x\"; task = \"py.task\"; every = \"1mo\"; args = \"[1, \\\"a\\\"]\";\n"
               "    kwargs = \"{}\"; queue = \"other\"; catch_up = \"all\"; enabled = false;\n"
               "    anchor = \"2026-01-01T00:00:00\"; timezone = \"Europe/Berlin\"; } );\n");
    assert_int_equal(s.entries_count, 2);
    const struct settings_entry *first = &s.entries[0], *second = &s.entries[1];
    assert_string_equal(first->args, "[]");
    assert_string_equal(first->catch_up, "one");
    assert_null(first->queue);
    assert_null(first->timezone);
    assert_null(first->anchor);
    assert_true(first->enabled);
    assert_int_equal(first->line, 3);
    assert_string_equal(first->file, file_path("a.conf"));
    assert_string_equal(second->args, "[1, \"a\"]");
    assert_string_equal(second->queue, "other");
    assert_false(second->enabled);
    settings_free(&s);
    s = loaded("schedule = ( { name = \"a\"; task = \"b\"; crontab = \"0\t4 * * mon-fri\"; } );");
    assert_string_equal(s.entries[0].crontab, "0\t4 * * mon-fri");
    assert_null(s.entries[0].every);
    settings_free(&s);
    s = loaded(
        "schedule = ( { name = \"a\"; task = \"b\"; every = \"1d\"; expires = \"30s\"; priority "
        "= 7;\n time_limit_s = 60; soft_time_limit_s = 50; headers = \"{\\\"a\\\": 1}\"; } );");
    assert_string_equal(s.entries[0].expires, "30s");
    assert_int_equal(s.entries[0].priority, 7);
    assert_int_equal(s.entries[0].time_limit_s, 60);
    assert_int_equal(s.entries[0].soft_time_limit_s, 50);
    assert_string_equal(s.entries[0].headers, "{\"a\": 1}");
    settings_free(&s);
}

static void an_alias_leads_to_its_task(void **state)
{
    (void)state;
    struct settings s =
        loaded("worker = { aliases = ( { name = \"doParser\"; task = \"parse\"; } ); };");
    assert_string_equal(settings_task_name(&s, "doParser"), "parse");
    assert_string_equal(settings_task_name(&s, "aggregate"), "aggregate");
    settings_free(&s);
}

#define ENTRY "schedule = ( { name = \"a\"; task = \"parse\"; every = \"1d\"; "

static void what_is_wrong_is_refused_with_file_and_line(void **state)
{
    (void)state;
    refused("\nbrokr = { };", ":2: brokr: unknown setting; docs/settings.md lists all");
    refused("broker = {\n  hartbeat_s = 3; };",
            ":2: broker.hartbeat_s: unknown setting; docs/settings.md lists all");
    refused("broker = 3;", ":1: broker: must be a group: broker = { ... }");
    refused("\n\nbroker = { heartbeat_s = \"3\"; };", ":3: broker.heartbeat_s: must be an integer");
    refused("broker = { heartbeat_s = 3.0; };", ":1: broker.heartbeat_s: must be an integer");
    refused("broker = { queue = 3; };", ":1: broker.queue: must be a string");
    refused("broker = { queue = \"\"; };", ":1: broker.queue: must not be empty");
    refused("broker = { queue = \"a\\nb\"; };", ":1: broker.queue: a control character");
    refused("broker = { heartbeat_s = 0; };", ":1: broker.heartbeat_s: 0, must be from 1 to 300 s");
    refused("broker = { heartbeat_s = -1; };",
            ":1: broker.heartbeat_s: -1, must be from 1 to 300 s");
    refused("log_level = \"loud\";",
            ":1: log_level: \"loud\", must be one of debug|info|warning|error");
    refused("timezone = \"Mars/Olympus\";",
            ":1: timezone: \"Mars/Olympus\", not a time zone of this system");
    refused("broker = { queue_type = \"stream\"; };",
            ":1: broker.queue_type: \"stream\", must be one of classic|quorum");
    refused("broker = { ca_file = \"/nowhere/ca.pem\"; };",
            ":1: broker.ca_file: /nowhere/ca.pem: No such file or directory");
    (void)file_with("cert.pem", "");
    refused("broker = { cert_file = \"cert.pem\"; };",
            ": broker.cert_file: cert_file and key_file go together: one of them is missing");
}

static void what_is_no_url_is_refused(void **state)
{
    (void)state;
    refused("broker = { url = \"localhost\"; };",
            ":1: broker.url: no URL that starts with amqp://, amqps:// or pyamqp://");
    refused("broker = { url = \"http://localhost\"; };",
            ":1: broker.url: no URL that starts with amqp://, amqps:// or pyamqp://");
    refused("broker = { url = \"amqp://localhost:99999\"; };", ":1: broker.url: no URL: ");
    refused("kairosdb = { query_url = \"http://\"; };", ":1: kairosdb.query_url: no URL: ");
    refused("kairosdb = { query_url = \"http://a b/\"; };", ":1: kairosdb.query_url: no URL: ");
    refused("kairosdb = { insert_url = \"http://me:secret@localhost/\"; };",
            ":1: kairosdb.insert_url: user and password do not belong into this URL: see the "
            "settings user and password_file");
    refused("database = { url = \"meterbeat\"; };",
            ":1: database.url: no address of a database, neither URL nor key=value: ");
    refused("database = { url = \"host=a password=geheim wort\"; };",
            ":1: database.url: no address of a database, neither URL nor key=value");
}

static void wrong_entries_and_aliases_are_refused(void **state)
{
    (void)state;
    refused("schedule = { };", ":1: schedule: must be a list of groups: ( { ... }, { ... } )");
    refused("schedule = ( 3 );", ":1: schedule: must be a list of groups: ( { ... }, { ... } )");
    refused("schedule = (\n { name = \"a\"; every = \"1d\"; } );",
            ":2: schedule: without \"task\"");
    refused("schedule = ( { task = \"a\"; every = \"1d\"; } );", ":1: schedule: without \"name\"");
    refused("schedule = (\n { name = \"a\"; task = \"a\"; } );",
            ":2: schedule: without \"every\" or \"crontab\"");
    refused(ENTRY "crontab = \"* * * * *\"; } );",
            ":1: schedule: \"every\" and \"crontab\": one of them");
    refused("schedule = ( { name = \"a\"; task = \"a\"; crontab = \"* * * * *\"; anchor = "
            "\"2026-01-01\"; } );",
            ":1: schedule: \"anchor\" goes with \"every\" only");
    refused(ENTRY "\n cron = \"* * * * *\"; } );", ":2: schedule: unknown setting \"cron\"");
    refused(ENTRY "catch_up = \"some\"; } );",
            ":1: catch_up: \"some\", must be one of none|one|all");
    refused(ENTRY "args = \"[1,\"; } );",
            ":1: args: no JSON: ']' expected near end of file at column 3");
    refused(ENTRY "args = \"{}\"; } );", ":1: args: must be a JSON list, such as [\"a\", 1]");
    refused(ENTRY "kwargs = \"[]\"; } );",
            ":1: kwargs: must be a JSON object, such as {\"building\": \"42\"}");
    refused(ENTRY "priority = 256; } );", ":1: priority: 256, must be from 0 to 255");
    refused(ENTRY "headers = \"[]\"; } );",
            ":1: headers: must be a JSON object, such as {\"building\": \"42\"}");
    refused(ENTRY "time_limit_s = 0; } );", ":1: time_limit_s: 0, must be from 1 to 31536000 s");
    refused(ENTRY "time_limit_s = 10; soft_time_limit_s = 11; } );",
            ":1: schedule: \"soft_time_limit_s\" is above \"time_limit_s\"");
    refused(ENTRY "enabled = 1; } );", ":1: enabled: must be a true or false");
    refused(ENTRY "},\n\n{ name = \"a\"; task = \"b\"; every = \"1d\"; } );",
            ":3: schedule: a second entry \"a\", the first is in line 1");
    refused("worker = { aliases = ( { name = \"a\"; task = \"b\"; },\n { name = \"a\"; task = "
            "\"c\"; } ); };",
            ":2: worker.aliases: a second alias \"a\"");
    refused("worker = { aliases = ( { name = \"a\"; } ); };",
            ":1: worker.aliases: without \"task\"");
}

static void a_wrong_retry_ladder_is_refused(void **state)
{
    (void)state;
    struct settings s = loaded("worker = { retry_delays_s = ( 1, 2 ); };");
    assert_int_equal(s.worker.retry_delays, 2);
    assert_int_equal(s.worker.retry_delays_s[1], 2);
    settings_free(&s);
    const char *name = ":1: worker.retry_delays_s: ";
    char words[200];
#define LADDER(text, why)                                                                          \
    (void)snprintf(words, sizeof(words), "%s%s", name, why);                                       \
    refused("worker = { retry_delays_s = " text "; };", words)
    LADDER("10", "must be a list of integers");
    LADDER("( )", "must hold at least one delay");
    LADDER("( \"a\" )", "must be a list of integers, such as ( 10, 60, 600 )");
    LADDER("( 10, 10 )", "each delay must be longer than the one before");
    LADDER("( 0 )", "0, must be from 1 to 604800 s");
    LADDER("[ 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17 ]", "more than 16 delays");
}

static void what_libconfig_would_misread_is_refused(void **state)
{
    (void)state;
    refused("\nfeed = { max_bytes = 4294968320; };",
            ":2: a number of more than 32 bits needs an L behind it: 4294967296L");
    refused("broker = { heartbeat_s = 99999999999999999999L; };",
            ":1: a number of more than 64 bits");
    refused("broker = { heartbeat_s = 0x10000000A; };",
            ":1: a number of more than 32 bits needs an L behind it: 4294967296L");
    refused("a = ((((((((((((((((( 1 )))))))))))))))));",
            ":1: groups and lists nested more than 16 deep");
    refused("a = \"unfinished", ":1: syntax error");
    refused("log_level = \"info\";\nlog_level = \"info\";", ":2: duplicate setting name");
    struct settings s = loaded("# 99999999999 { { {\n/* 99999999999\n */ // 99999999999\n"
                               "feed = { path = \"99999999999\"; max_bytes = 5000000000L; };");
    assert_int_equal(s.feed.max_bytes, INT64_C(5000000000));
    settings_free(&s);
}

static void what_is_too_long_or_no_file_is_refused(void **state)
{
    (void)state;
    struct settings s;
    struct err e;
    char *text = malloc(9 * 1024 * 1024);
    assert_non_null(text);
    memset(text, ' ', 9 * 1024 * 1024);
    text[9 * 1024 * 1024 - 1] = '\0';
    refused(text, ": too large: at most 8 MiB together with what it includes");
    text[70000] = '\0';
    memcpy(text, "log_level = \"", 13);
    text[69998] = '"';
    refused(text, ":1: a string of more than 65536 bytes");
    free(text);
    assert_false(settings_load(folder, &s, &e));
    assert_non_null(strstr(e.text, ": not a regular file"));
    assert_false(settings_load(file_path("none.conf"), &s, &e));
    assert_non_null(strstr(e.text, "none.conf: No such file or directory (name the configuration"));
}

static void an_included_file_is_named_in_errors(void **state)
{
    (void)state;
    (void)file_with("b.conf", "\n\nlog_level = \"loud\";\n");
    struct settings s;
    struct err e;
    assert_false(settings_load(file_with("a.conf", "@include \"b.conf\"\n"), &s, &e));
    assert_non_null(strstr(e.text, "/b.conf:3: log_level:"));
    (void)file_with("b.conf", ENTRY "} );");
    s = loaded("\n@include \"b.conf\"\ntimezone = \"UTC\";");
    assert_non_null(strstr(s.entries[0].file, "/b.conf"));
    settings_free(&s);
    refused("\n@include \"a.conf\"\n",
            ":2: @include nested more than 10 deep: does a file include itself?");
    assert_false(settings_load(file_with("a.conf", "@include \"/\"\n"), &s, &e));
    assert_non_null(strstr(e.text, "a.conf:1: @include: /: not a regular file"));
    assert_false(settings_load(file_with("a.conf", "@include \"c.conf\"\n"), &s, &e));
    assert_non_null(strstr(e.text, "c.conf: No such file or directory"));
}

static void includes_without_end_are_refused_soon(void **state)
{
    (void)state;
    struct settings s;
    struct err e;
    char name[20], text[200];
    for (int i = 0; i < 9; i++) {
        (void)snprintf(name, sizeof(name), "n%d.conf", i);
        (void)snprintf(text, sizeof(text), "@include \"n%d.conf\"\n@include \"n%d.conf\"\n", i + 1,
                       i + 1);
        (void)file_with(name, text);
    }
    (void)file_with("n9.conf", "# nothing\n");
    assert_false(settings_load(file_path("n0.conf"), &s, &e));
    assert_non_null(strstr(e.text, "more than 64 included files"));
}

static void a_password_comes_from_url_file_and_environment(void **state)
{
    (void)state;
    struct settings s = loaded("broker = { url = \"amqp://me:p%40ss@h:5672/v\"; };\n"
                               "database = { url = \"postgresql://me:geheim@h/db\"; };");
    assert_string_equal(s.broker.url, "amqp://me@h:5672/v");
    assert_string_equal(s.broker.password, "p@ss");
    assert_null(strstr(s.database.url, "geheim"));
    assert_string_equal(s.database.password, "geheim");
    settings_free(&s);
    s = loaded("broker = { url = \"amqp://a:first@h;amqp://b:second@i/v;amqp://j\"; };");
    assert_string_equal(s.broker.url, "amqp://a@h;amqp://b@i/v;amqp://j");
    assert_string_equal(s.broker.password, "first");
    assert_string_equal(s.broker.url_passwords[1], "second");
    assert_string_equal(s.broker.url_passwords[2], "");
    settings_free(&s);
    (void)file_with("secret", "from file\nnot this\n");
    s = loaded("broker = { url = \"amqp://me:x@h\"; password_file = \"secret\"; };");
    assert_string_equal(s.broker.password, "from file");
    settings_free(&s);
    assert_int_equal(setenv("METERBEAT_BROKER_PASSWORD", "from environment", 1), 0);
    s = loaded("broker = { url = \"amqp://me:x@h\"; password_file = \"secret\"; };");
    assert_string_equal(s.broker.password, "from environment");
    settings_free(&s);
    assert_int_equal(unsetenv("METERBEAT_BROKER_PASSWORD"), 0);
    (void)file_with("secret", "\n");
    struct err e;
    assert_false(
        settings_load(file_with("a.conf", "broker = { password_file = \"secret\"; };"), &s, &e));
    assert_string_equal(e.code, "bad_secret");
    assert_non_null(strstr(e.text, "its first line is empty"));
}

/* mode, and whether a file of ours, and one of root's, may have it when it holds a secret. */
static const struct {
    mode_t mode;
    bool ours, roots;
} modes[] = {{0600, true, true},   {0400, true, true},   {0640, false, true},  {0440, false, true},
             {0644, false, false}, {0604, false, false}, {0660, false, false}, {0620, false, false},
             {0602, false, false}, {0666, false, false}, {0610, false, false}};

static bool is_allowed(size_t i)
{
    return geteuid() == 0 ? modes[i].roots : modes[i].ours;
}

static void a_secret_in_a_file_that_others_may_read_or_change_is_refused(void **state)
{
    (void)state;
    static const char *const settings[] = {
        "broker = { password_file = \"secret\"; };", "database = { password_file = \"secret\"; };",
        "kairosdb = { password_file = \"secret\"; };", "credentials = { key_file = \"secret\"; };",
        "broker = { cert_file = \"secret\"; key_file = \"secret\"; };"};
    struct settings s;
    struct err e;
    for (size_t n = 0; n < ARRAY_LEN(settings); n++)
        for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
            assert_int_equal(chmod(file_with("secret", "geheim\n"), modes[i].mode), 0);
            bool taken = settings_load(file_with("a.conf", settings[n]), &s, &e);
            assert_int_equal(taken, is_allowed(i));
            if (taken) {
                settings_free(&s);
                continue;
            }
            assert_string_equal(e.code, "bad_secret");
            assert_non_null(strstr(e.text, "others may read or change it: chmod 600"));
            assert_null(strstr(e.text, "geheim"));
        }
}

static void a_configuration_with_a_password_is_such_a_file_and_so_is_what_it_includes(void **state)
{
    (void)state;
    static const char *const settings[] = {
        "broker = { url = \"amqp://me:geheim@h\"; };",
        "database = { url = \"host=h password=geheim\"; };",
        "database = { url = \"postgresql://me:geheim@h/db\"; };"};
    struct settings s;
    struct err e;
    for (size_t n = 0; n < ARRAY_LEN(settings); n++)
        for (size_t i = 0; i < ARRAY_LEN(modes); i++)
            for (int included = 0; included < 2; included++) {
                (void)file_with("outer.conf", "@include \"a.conf\"\n");
                assert_int_equal(chmod(file_with("a.conf", settings[n]), modes[i].mode), 0);
                bool taken = settings_load(file_path(included ? "outer.conf" : "a.conf"), &s, &e);
                assert_int_equal(taken, is_allowed(i));
                if (taken) {
                    settings_free(&s);
                    continue;
                }
                assert_non_null(strstr(e.text, modes[i].mode & S_IWOTH ? "everybody may change it"
                                                                       : "others may read or"));
                assert_null(strstr(e.text, "geheim"));
            }
}

static void a_configuration_without_secrets_may_be_read_but_not_changed_by_everybody(void **state)
{
    (void)state;
    struct settings s;
    struct err e;
    for (mode_t mode = 0644; mode <= 0666; mode += 2) {
        const char *path = file_with("a.conf", "broker = { url = \"amqp://guest:guest@h\"; };");
        assert_int_equal(chmod(path, mode), 0);
        bool taken = settings_load(path, &s, &e);
        assert_int_equal(taken, (mode & S_IWOTH) == 0);
        if (taken)
            settings_free(&s);
    }
}

static void a_secret_that_belongs_to_a_third_user_is_refused(void **state)
{
    (void)state;
    struct stat st = {.st_uid = geteuid() + 1, .st_mode = S_IFREG | 0600};
    if (geteuid() == 0)
        assert_null(file_mode_secret(&st)); /* root runs what the account of the programs set up */
    else
        assert_non_null(file_mode_secret(&st));
}

static void the_environment_forgets_its_secrets(void **state)
{
    (void)state;
    static char variable[] = "METERBEAT_BROKER_PASSWORD=geheim";
    assert_int_equal(putenv(variable), 0);
    struct settings s = loaded("broker = { url = \"amqp://me@h\"; };");
    assert_string_equal(s.broker.password, "geheim");
    password_forget_environment();
    assert_string_equal(s.broker.password, "geheim");
    settings_free(&s);
    assert_null(getenv("METERBEAT_BROKER_PASSWORD"));
    assert_null(memmem(variable, sizeof variable, "geheim", 6));
}

static char *shown(const struct settings *s)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    settings_show(s, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void what_is_shown_loads_again_and_shows_the_same(void **state)
{
    (void)state;
    struct settings s =
        loaded("broker = { url = \"amqp://me:geheim@h\"; queue = \"a \\\"b\\\" \\\\c\"; };\n"
               "feed = { max_bytes = 5000000000L; };\n"
               "worker = { retry_delays_s = ( 1, 2, 3 ); aliases = ( { name = \"x\"; task = "
               "\"parse\"; } ); };\n" ENTRY "args = \"[\\\"\\u00fc\\\"]\"; enabled = false; }, { "
               "name = \"b\"; task = \"c\"; crontab = \"0\\t4 * * *\"; expires = \"30s\"; priority "
               "= 3; headers = "
               "\"{}\"; time_limit_s = 9; soft_time_limit_s = 8; } );");
    char *once = shown(&s);
    settings_free(&s);
    assert_null(strstr(once, "geheim"));
    assert_non_null(strstr(once, "# password: set, not shown"));
    s = loaded(once);
    assert_string_equal(s.broker.queue, "a \"b\" \\c");
    assert_int_equal(s.entries_count, 2);
    assert_false(s.entries[0].enabled);
    assert_string_equal(s.entries[1].crontab, "0\t4 * * *");
    assert_int_equal(s.entries[1].priority, 3);
    assert_int_equal(s.entries[1].soft_time_limit_s, 8);
    char *twice = shown(&s);
    settings_free(&s);
    char *mark = strstr(once, "# password: set, not shown"); /* the second one never had it */
    assert_int_equal(strncmp(once, twice, (size_t)(mark - once)), 0);
    free(once);
    free(twice);
}

static void the_keys_that_entries_carry_to_other_programs_are_not_shown(void **state)
{
    (void)state;
    struct settings s =
        loaded(ENTRY "args = \"[\\\"https://u:gehe1m@h/\\\"]\"; "
                     "kwargs = \"{\\\"api_key\\\": \\\"gehe2m\\\", \\\"n\\\": 5}\"; "
                     "headers = \"{\\\"x-token\\\": \\\"gehe3m\\\"}\"; } );\n");
    char *text = shown(&s);
    assert_null(strstr(text, "gehe"));
    assert_non_null(strstr(text, "\\\"n\\\": 5"));
    free(text);
    settings_free(&s);
}

static void twenty_thousand_entries_load(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    for (int count = 20000; count <= 20001; count++) {
        rewind(out);
        (void)fputs("schedule = (", out);
        for (int i = 0; i < count; i++)
            (void)fprintf(
                out, "%s\n{ name = \"n%d\"; task = \"parse\"; every = \"1d\"; timezone = \"%s\"; }",
                i > 0 ? "," : "", i, i % 2 ? "Europe/Berlin" : "America/New_York");
        (void)fputs(");\n", out);
        assert_int_equal(fflush(out), 0);
        if (count > 20000) {
            refused(text, ":1: schedule: 20001 groups, at most 20000");
            continue;
        }
        struct settings s = loaded(text);
        assert_int_equal(s.entries_count, 20000);
        assert_int_equal(s.entries[19999].line, 20001);
        settings_free(&s);
    }
    (void)fclose(out);
    free(text);
}

static void every_file_of_config_loads_and_has_a_schedule(void **state)
{
    (void)state;
    const char *const names[] = {"meterbeat.conf", "seed.conf", "production.conf"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char path[PATH_MAX];
        struct settings s;
        struct err e;
        (void)snprintf(path, sizeof(path), "%s/config/%s", METERBEAT_SOURCE, names[i]);
        if (!settings_load(path, &s, &e))
            fail_msg("%s", e.text);
        struct schedule *schedule = NULL;
        if (!schedule_new(&s, &schedule, &e))
            fail_msg("%s", e.text);
        assert_int_equal(schedule_count(schedule), s.entries_count);
        assert_true(s.entries_count >= 2);
        schedule_free(schedule);
        settings_free(&s);
    }
}

static void the_page_of_settings_is_what_the_table_prints(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    settings_document(out);
    assert_int_equal(fclose(out), 0);
    FILE *page = fopen(METERBEAT_SOURCE "/docs/settings.md", "r");
    assert_non_null(page);
    char *there = calloc(1, len + 2);
    assert_non_null(there);
    size_t n = fread(there, 1, len + 1, page);
    assert_int_equal(fclose(page), 0);
    if (n != len || memcmp(there, text, len) != 0)
        fail_msg("docs/settings.md is not what the table prints: "
                 "meterbeatctl --document-config > docs/settings.md");
    free(there);
    free(text);
}

static int make_folder(void **state)
{
    (void)state;
    /* whoever runs the tests may work with meterbeat too */
    if (unsetenv("METERBEAT_BROKER_PASSWORD") != 0 ||
        unsetenv("METERBEAT_DATABASE_PASSWORD") != 0 ||
        unsetenv("METERBEAT_KAIROSDB_PASSWORD") != 0)
        return -1;
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[PATH_MAX];
    (void)snprintf(command, sizeof(command), "rm -r '%s'", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_file_gives_the_defaults),
        cmocka_unit_test(remote_control_is_closed_and_open_by_the_booleans_of_older_versions),
        cmocka_unit_test(a_schedule_entry_is_read_with_its_place),
        cmocka_unit_test(an_alias_leads_to_its_task),
        cmocka_unit_test(what_is_wrong_is_refused_with_file_and_line),
        cmocka_unit_test(what_is_no_url_is_refused),
        cmocka_unit_test(wrong_entries_and_aliases_are_refused),
        cmocka_unit_test(a_wrong_retry_ladder_is_refused),
        cmocka_unit_test(what_libconfig_would_misread_is_refused),
        cmocka_unit_test(what_is_too_long_or_no_file_is_refused),
        cmocka_unit_test(an_included_file_is_named_in_errors),
        cmocka_unit_test(includes_without_end_are_refused_soon),
        cmocka_unit_test(a_password_comes_from_url_file_and_environment),
        cmocka_unit_test(a_secret_in_a_file_that_others_may_read_or_change_is_refused),
        cmocka_unit_test(a_configuration_with_a_password_is_such_a_file_and_so_is_what_it_includes),
        cmocka_unit_test(a_configuration_without_secrets_may_be_read_but_not_changed_by_everybody),
        cmocka_unit_test(a_secret_that_belongs_to_a_third_user_is_refused),
        cmocka_unit_test(the_environment_forgets_its_secrets),
        cmocka_unit_test(what_is_shown_loads_again_and_shows_the_same),
        cmocka_unit_test(the_keys_that_entries_carry_to_other_programs_are_not_shown),
        cmocka_unit_test(twenty_thousand_entries_load),
        cmocka_unit_test(every_file_of_config_loads_and_has_a_schedule),
        cmocka_unit_test(the_page_of_settings_is_what_the_table_prints),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
