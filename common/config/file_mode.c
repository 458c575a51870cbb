/* Who else may read or change a file. */
#include "common/config/file_mode.h"

#include <stddef.h>
#include <unistd.h>

const char *file_mode_secret(const struct stat *st)
{
    uid_t self = geteuid();
    if (st->st_uid != 0 && st->st_uid != self && self != 0)
        return "belongs to another user, who can read and change it: chown it to root or to the "
               "account that runs this";
    if (st->st_uid == 0 && (st->st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) != 0)
        return "others may read or change it: chmod 600, or 640 with a group of its own";
    if (st->st_uid != 0 && (st->st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return "others may read or change it: chmod 600 (640 when it is root's)";
    return NULL;
}

const char *file_mode_plain(const struct stat *st)
{
    return (st->st_mode & S_IWOTH) != 0 ? "everybody may change it: chmod o-w" : NULL;
}
