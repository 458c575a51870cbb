/* Finds the passwords, so that no other part has to know where they come from. */
#include "config/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/url.h"

#define SECRET_MAX 1024

static bool readable_by_all(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && (st.st_mode & S_IROTH) != 0;
}

/* Container platforms mount secrets readable by all, so this is no error. */
static bool warn(const struct loading *l, const char *path, const char *name, const char *advice)
{
    char text[400];
    if (l->settings->warning[0] != '\0')
        return true; /* one line; the next start says the next one */
    (void)snprintf(text, sizeof(text), "%.200s: %s is readable by everybody: %s", path, name,
                   advice);
    return loading_copy(l, text, &l->settings->warning);
}

static void wipe(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

/* The URL without its password takes the place of the one with it. */
static bool take_from_url(const struct loading *l, bool (*split)(const char *, char **, char **),
                          const char *name, const char **url, const char **ret_password)
{
    char *rest, *password;
    if (!split(*url, &rest, &password))
        return err_set(l->e, ERR_FATAL, "no_memory", "%s: no memory", l->path);
    bool ok = true;
    if (password != NULL) {
        ok = loading_copy(l, rest, url) && loading_copy(l, password, ret_password);
        /* "guest" is what every new RabbitMQ has, and only takes from its own machine: no secret.
         */
        if (ok && strcmp(password, "guest") != 0 && readable_by_all(l->path))
            ok = warn(l, l->path, name,
                      "chmod 640, or keep the password in a file named by password_file");
    }
    free(rest);
    wipe(password);
    return ok;
}

static bool refuse(const struct loading *l, const struct secret *secret, const char *path,
                   const char *why)
{
    return err_set(l->e, ERR_FATAL, "bad_secret", "%s: %s: %.200s: %s", l->path, secret->file_path,
                   path, why);
}

/* The first line of a regular file (a FIFO could make us wait). */
static bool read_file(const struct loading *l, const struct secret *secret, const char *path,
                      const char **ret_password)
{
    char text[SECRET_MAX + 1];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return refuse(l, secret, path, strerror(errno));
    ssize_t len = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read(fd, text, sizeof(text)) : -1;
    (void)close(fd); /* read only: nothing to lose */
    if (len < 0 || len > SECRET_MAX)
        return refuse(l, secret, path, "must be a file of at most 1024 bytes");
    text[len] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    bool ok = text[0] != '\0' || refuse(l, secret, path, "its first line is empty");
    ok = ok && loading_copy(l, text, ret_password);
    explicit_bzero(text, sizeof(text));
    if (ok && (st.st_mode & S_IROTH) != 0)
        ok = warn(l, path, secret->name, "chmod 640");
    return ok;
}

static bool load_one(const struct loading *l, const struct secret *secret)
{
    const char **password = (const char **)((char *)l->settings + secret->offset);
    const char *path = *(const char **)((char *)l->settings + secret->file_offset);
    const char *value = getenv(secret->variable);
    if (value != NULL && value[0] != '\0')
        return loading_copy(l, value, password);
    return path[0] == '\0' || read_file(l, secret, path, password);
}

bool secret_load_all(const struct loading *l)
{
    struct settings *s = l->settings;
    if (!take_from_url(l, url_split_password, "broker.url", &s->broker.url, &s->broker.password) ||
        !take_from_url(l, database_split_password, "database.url", &s->database.url,
                       &s->database.password))
        return false;
    for (size_t i = 0; i < settings_secrets_count; i++)
        if (!load_one(l, &settings_secrets[i]))
            return false;
    return true;
}
