/* Secrets that a person hands over: from standard input or a file, never from the command line. */
#include "ctl/secret_input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/store/secret.h"

static char *read_all(FILE *in, const char *name, struct err *e)
{
    char *text = malloc(SECRET_INPUT_MAX + 1);
    if (!text) {
        err_set(e, ERR_RETRY, "no_memory", "no memory for a secret");
        return NULL;
    }
    size_t len = fread(text, 1, SECRET_INPUT_MAX + 1, in);
    bool ok = !ferror(in) && len <= SECRET_INPUT_MAX && !memchr(text, '\0', len);
    text[ok ? len : 0] = '\0';
    while (ok && len > 0 && strchr("\r\n", text[len - 1]))
        text[--len] = '\0';
    if (ok)
        return text;
    err_set(e, ERR_REJECT, "bad_secret", "%s: no text of at most %d bytes", name, SECRET_INPUT_MAX);
    secret_keys_free(text);
    return NULL;
}

char *secret_input(const char *path, struct err *e)
{
    if (!path)
        return read_all(stdin, "standard input", e);
    FILE *in = fopen(path, "re");
    if (!in) {
        err_set(e, ERR_REJECT, "bad_secret", "%.300s: %s", path, strerror(errno));
        return NULL;
    }
    char *text = read_all(in, path, e);
    fclose(in); /* read only: nothing to lose */
    return text;
}
