/* Finds the passwords, so that no other part has to know where they come from. */
#include "common/config/password.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/config/broker_url.h"
#include "common/config/file_mode.h"
#include "common/config/url.h"

#define SECRET_MAX 1024
#define BROKER_SHOWN_MAX 8192

static void wipe(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

/* "guest" is what every new RabbitMQ has, and only takes from its own machine: no secret. */
static bool may_stand_in_file(const struct loading *l, const char *name, const char *password)
{
    return !l->loose || strcmp(password, "guest") == 0 ||
           err_set(l->e, ERR_FATAL, "bad_secret",
                   "%s: a password in %s, and %s. Or keep it in a file of its own: password_file",
                   l->path, name, l->loose);
}

/* The URL without its password takes the place of the one with it. */
static bool take_from_url(const struct loading *l, bool (*split)(const char *, char **, char **),
                          const char *name, const char **url, const char **ret_password)
{
    char *rest, *password;
    if (!split(*url, &rest, &password))
        return err_set(l->e, ERR_FATAL, "no_memory", "%s: no memory", l->path);
    bool ok = true;
    if (password)
        ok = may_stand_in_file(l, name, password) && loading_copy(l, rest, url) &&
             loading_copy(l, password, ret_password);
    free(rest);
    wipe(password);
    return ok;
}

/* Each of the addresses; the first one's password is that of the management API too. */
static bool take_from_broker_urls(const struct loading *l, struct settings *s)
{
    CLEANUP(buf_free) struct buf shown = buf_make(BROKER_SHOWN_MAX);
    size_t count = broker_url_count(s->broker.url);
    bool ok = count <= BROKER_URLS_MAX; /* checked when it was set */
    for (size_t i = 0; ok && i < count; i++) {
        char *url = broker_url_at(s->broker.url, i);
        const char *rest = url;
        ok = (url || err_set(l->e, ERR_FATAL, "no_memory", "%s: no memory", l->path)) &&
             take_from_url(l, url_split_password, "broker.url", &rest,
                           &s->broker.url_passwords[i]) &&
             buf_printf(&shown, l->e, "%s%s", i > 0 ? ";" : "", rest);
        wipe(url);
    }
    s->broker.password = s->broker.url_passwords[0];
    return ok && loading_copy(l, shown.data, &s->broker.url);
}

static bool refuse(const struct loading *l, const char *setting, const char *path, const char *why)
{
    return err_set(l->e, ERR_FATAL, "bad_secret", "%s: %s: %.200s: %s", l->path, setting, path,
                   why);
}

/* The first line of a regular file (a FIFO could make us wait). */
static bool read_file(const struct loading *l, const struct secret *secret, const char *path,
                      const char **ret_password)
{
    char text[SECRET_MAX + 1];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return refuse(l, secret->file_path, path, strerror(errno));
    bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    const char *loose = regular ? file_mode_secret(&st) : NULL;
    ssize_t len = regular && !loose ? read(fd, text, sizeof text) : -1;
    (void)close(fd); /* read only: nothing to lose */
    if (loose)
        return refuse(l, secret->file_path, path, loose);
    if (len < 0 || len > SECRET_MAX)
        return refuse(l, secret->file_path, path, "must be a file of at most 1024 bytes");
    text[len] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    bool ok = text[0] || refuse(l, secret->file_path, path, "its first line is empty");
    ok = ok && loading_copy(l, text, ret_password);
    explicit_bzero(text, sizeof text);
    return ok;
}

/* The TLS library opens it later, and looks at nobody's rights. One that is missing it says itself.
 */
static bool check_key(const struct loading *l, const char *setting, const char *path)
{
    struct stat st;
    const char *loose = path[0] && stat(path, &st) == 0 ? file_mode_secret(&st) : NULL;
    return !loose || refuse(l, setting, path, loose);
}

static bool load_one(const struct loading *l, const struct secret *secret)
{
    const char **password = (const char **)((char *)l->settings + secret->offset);
    const char *path = *(const char **)((char *)l->settings + secret->file_offset);
    const char *value = getenv(secret->variable);
    if (value && value[0])
        return loading_copy(l, value, password);
    return !path[0] || read_file(l, secret, path, password);
}

bool password_load_all(const struct loading *l)
{
    struct settings *s = l->settings;
    if (!take_from_broker_urls(l, s) || !take_from_url(l, database_split_password, "database.url",
                                                       &s->database.url, &s->database.password))
        return false;
    for (size_t i = 0; i < settings_secrets_count; i++)
        if (!load_one(l, &settings_secrets[i]))
            return false;
    return check_key(l, "broker.key_file", s->broker.key_file);
}

void password_forget_environment(void)
{
    for (size_t i = 0; i < settings_secrets_count; i++) {
        char *value = getenv(settings_secrets[i].variable);
        if (!value)
            continue;
        explicit_bzero(value, strlen(value)); /* where /proc/PID/environ shows it */
        (void)unsetenv(settings_secrets[i].variable);
    }
}
