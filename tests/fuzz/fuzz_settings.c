/* Any configuration file: refused with its place, or what is shown of it loads and shows the same.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/config/settings.h"

static char path[] = "/tmp/meterbeat-fuzz-XXXXXX";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* libconfig 1.5 forgets a string that a syntax error comes right after; programs end with it. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig\n";
}

static void remove_file(void)
{
    (void)unlink(path);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    int fd = mkstemp(path);
    if (fd < 0 || close(fd) != 0)
        abort();
    return atexit(remove_file);
}

static void require(bool ok, const char *what, const char *text)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %s\n", what, text);
    abort();
}

static bool load(const void *bytes, size_t size, struct settings *ret_settings, struct err *e)
{
    FILE *f = fopen(path, "w");
    if (f == NULL || fwrite(bytes, 1, size, f) != size || fclose(f) != 0)
        abort();
    return settings_load(path, ret_settings, e);
}

/* What is shown; the settings are freed. */
static char *show(struct settings *s)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL)
        abort();
    settings_show(s, out);
    if (fclose(out) != 0)
        abort();
    settings_free(s);
    return text;
}

static char *load_and_show(const char *text)
{
    struct settings s;
    struct err e = {0};
    require(load(text, strlen(text), &s, &e), "what was shown does not load", e.text);
    return show(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings s;
    struct err e = {0};
    if (!load(data, size, &s, &e)) {
        require(e.kind == ERR_FATAL && e.code[0] != '\0', "an error without a code", e.text);
        require(strncmp(e.text, path, strlen(path)) == 0 || strchr(e.text, ':') != NULL,
                "an error without a place", e.text);
        return 0;
    }
    char *first = show(&s); /* says where there is a password, which it does not hold */
    char *second = load_and_show(first);
    char *third = load_and_show(second);
    require(strcmp(second, third) == 0, "shows differ", third);
    free(first);
    free(second);
    free(third);
    return 0;
}
