/* Looks a configuration file over for what libconfig would misread, by a scanner of its own. */
#include "common/config/source.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/config/file_mode.h"

struct budget {
    const char *folder;
    char *loose; /* see source_check */
    size_t bytes;
    int files, depth;
};

struct scan {
    const char *path;
    const char *at, *end;
    int line, nesting;
    size_t string_bytes; /* of the literals that make up the current value */
    struct budget *budget;
    struct err *e;
};

static bool refuse(const struct scan *s, const char *what)
{
    return err_set(s->e, ERR_FATAL, "bad_configuration", "%s:%d: %s", s->path, s->line, what);
}

static bool scan_text(const char *path, const char *text, size_t len, struct budget *budget,
                      struct err *e);

/* A regular file's bytes, NUL-terminated; *ret_text is the caller's to free. Opens without
 * blocking, for a FIFO would wait for ever. */
static bool read_whole(const char *path, struct budget *budget, char **ret_text, size_t *ret_len,
                       struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    char *text = NULL;
    const char *why = NULL;
    if (fd < 0 || fstat(fd, &st) != 0)
        why = strerror(errno);
    else if (!S_ISREG(st.st_mode))
        why = "not a regular file";
    else if ((why = file_mode_plain(&st)))
        ; /* whoever changes it says where our passwords go */
    else if ((size_t)st.st_size > SOURCE_MAX_BYTES - budget->bytes)
        why = "too large: at most 8 MiB together with what it includes";
    else if (!(text = malloc((size_t)st.st_size + 1)))
        why = "no memory";
    else if (read(fd, text, (size_t)st.st_size) != st.st_size)
        why = "cannot be read whole";
    if (fd >= 0)
        (void)close(fd); /* read only: nothing to lose */
    if (why) {
        free(text);
        return err_set(e, ERR_FATAL, "bad_configuration", "%s: %s", path, why);
    }
    const char *loose = file_mode_secret(&st);
    if (loose && !budget->loose && asprintf(&budget->loose, "%s: %s", path, loose) < 0)
        budget->loose = NULL;
    text[st.st_size] = '\0';
    budget->bytes += (size_t)st.st_size;
    *ret_text = text;
    *ret_len = (size_t)st.st_size;
    return true;
}

static void skip_block_comment(struct scan *s)
{
    for (s->at += 2; s->at < s->end; s->at++) {
        if (s->at[0] == '*' && s->at[1] == '/') {
            s->at += 2;
            return;
        }
        if (*s->at == '\n')
            s->line++;
    }
}

static void skip_line(struct scan *s)
{
    while (s->at < s->end && *s->at != '\n')
        s->at++;
}

static bool skip_string(struct scan *s)
{
    const char *start = ++s->at;
    while (s->at < s->end && *s->at != '"') {
        if (*s->at == '\\' && s->at + 1 < s->end)
            s->at++;
        if (!*s->at)
            return refuse(s, "a NUL byte");
        if (*s->at == '\n')
            s->line++;
        s->at++;
    }
    s->string_bytes += (size_t)(s->at - start);
    if (s->at < s->end)
        s->at++;
    return s->string_bytes <= SOURCE_MAX_STRING || refuse(s, "a string of more than 65536 bytes");
}

/* libconfig takes 4294967306 for 10: without an L it keeps 32 bits. */
static bool check_number(struct scan *s)
{
    bool hexadecimal = s->at[0] == '0' && (s->at[1] == 'x' || s->at[1] == 'X');
    char *end;
    errno = 0;
    long long value = strtoll(s->at, &end, hexadecimal ? 16 : 10);
    bool too_large = errno == ERANGE;
    bool wide = *end == 'L';
    bool real = !hexadecimal && (*end == '.' || *end == 'e' || *end == 'E');
    while (end < s->end && (isalnum((unsigned char)*end) || *end == '.'))
        end++;
    s->at = end;
    if (real)
        return true;
    if (too_large)
        return refuse(s, "a number of more than 64 bits");
    if (value > INT_MAX && !wide)
        return refuse(s, "a number of more than 32 bits needs an L behind it: 4294967296L");
    return true;
}

static void skip_name(struct scan *s)
{
    s->at += strspn(s->at, "-_*0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

/* The file named by @include "name", with its folder, into path; false when there is no name. */
static bool include_path(const struct scan *s, char path[2 * PATH_MAX])
{
    char name[PATH_MAX];
    size_t len = 0;
    const char *p = s->at + strlen("@include");
    p += strspn(p, " \t");
    if (*p++ != '"')
        return false;
    for (; !strchr("\"\n", *p) && len + 1 < sizeof name; p++) {
        if (*p == '\\' && (p[1] == '\\' || p[1] == '"'))
            p++;
        name[len++] = *p;
    }
    name[len] = '\0';
    const char *folder = name[0] == '/' ? "" : s->budget->folder;
    snprintf(path, 2 * PATH_MAX, "%s%s%s", folder, name[0] == '/' ? "" : "/", name);
    return true;
}

/* What is odd about the line itself libconfig says. */
static bool follow_include(struct scan *s)
{
    char path[2 * PATH_MAX];
    bool named = include_path(s, path);
    skip_line(s);
    if (!named)
        return true;
    if (s->budget->depth == SOURCE_MAX_DEPTH)
        return refuse(s, "@include nested more than 10 deep: does a file include itself?");
    if (++s->budget->files > SOURCE_MAX_FILES)
        return refuse(s, "more than 64 included files");
    char *text = NULL;
    size_t len = 0;
    if (!read_whole(path, s->budget, &text, &len, s->e))
        return err_wrap(s->e, "%s:%d: @include", s->path, s->line);
    s->budget->depth++;
    bool ok = scan_text(path, text, len, s->budget, s->e);
    s->budget->depth--;
    explicit_bzero(text, len);
    free(text);
    return ok;
}

static bool scan_mark(struct scan *s)
{
    char c = *s->at++;
    if (!c)
        return refuse(s, "a NUL byte");
    if (c == '\n')
        s->line++;
    if (strchr("=:;,", c))
        s->string_bytes = 0;
    if (strchr("{[(", c) && ++s->nesting > SOURCE_MAX_NESTING)
        return refuse(s, "groups and lists nested more than 16 deep");
    if (strchr("}])", c))
        s->nesting--;
    return true;
}

static bool at_line_start(const struct scan *s, const char *start)
{
    const char *p = s->at;
    while (p > start && (p[-1] == ' ' || p[-1] == '\t'))
        p--;
    return p == start || p[-1] == '\n';
}

static bool scan_next(struct scan *s, const char *start)
{
    unsigned char c = (unsigned char)*s->at;
    if (c == '"')
        return skip_string(s);
    if (isdigit(c))
        return check_number(s);
    if (c == '@' && strncmp(s->at, "@include", 8) == 0 && at_line_start(s, start))
        return follow_include(s);
    if (c == '#' || (c == '/' && s->at[1] == '/'))
        skip_line(s);
    else if (c == '/' && s->at[1] == '*')
        skip_block_comment(s);
    else if (isalpha(c) || c == '*')
        skip_name(s);
    else
        return scan_mark(s);
    return true;
}

static bool scan_text(const char *path, const char *text, size_t len, struct budget *budget,
                      struct err *e)
{
    struct scan s = {
        .path = path, .at = text, .end = text + len, .line = 1, .budget = budget, .e = e};
    while (s.at < s.end)
        if (!scan_next(&s, text))
            return false;
    return true;
}

bool source_check(const char *path, const char *folder, char **ret_loose, struct err *e)
{
    struct budget budget = {.folder = folder};
    char *text = NULL;
    size_t len = 0;
    *ret_loose = NULL;
    if (!read_whole(path, &budget, &text, &len, e)) {
        free(budget.loose);
        return false;
    }
    bool ok = scan_text(path, text, len, &budget, e);
    explicit_bzero(text, len); /* a URL in it may hold a password */
    free(text);
    *ret_loose = budget.loose;
    return ok;
}
