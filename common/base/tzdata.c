/* A zone's rules as text that can be kept and compared, and which tzdata they are from. */
#include "common/base/tzdata.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What days of readings and ticks to come are cut by; older rules are history that changes only
 * where somebody found another newspaper. */
#define FROM_S INT64_C(946684800) /* 2000 */
#define TO_S INT64_C(2145916800)  /* 2038 */

bool zone_rules_text(const struct timezone_rules *zone, struct buf *b, struct err *e)
{
    struct timezone_stretch stretch;
    for (int64_t at_s = FROM_S; at_s < TO_S; at_s = stretch.end_s) {
        stretch = timezone_stretch(zone, at_s);
        if (!buf_printf(b, e, "%" PRId64 ":%d ", at_s, stretch.offset_s))
            return false;
    }
    return true;
}

struct rule {
    int64_t start_s, offset_s;
};

/* False at the end of the text, or where it is none. */
static bool rule_next(const char **text, struct rule *ret_rule)
{
    int length = 0;
    if (sscanf(*text, "%" SCNd64 ":%" SCNd64 " %n", &ret_rule->start_s, &ret_rule->offset_s,
               &length) != 2 ||
        !length)
        return false;
    *text += length;
    return true;
}

bool zone_rules_differ(const char *a, const char *b, int64_t *ret_since_s)
{
    struct rule one = {0}, other = {0};
    for (;;) {
        bool is_one = rule_next(&a, &one), is_other = rule_next(&b, &other);
        if (!is_one && !is_other)
            return false;
        if (is_one && is_other && one.start_s == other.start_s && one.offset_s == other.offset_s)
            continue;
        *ret_since_s =
            is_one && (!is_other || one.start_s < other.start_s) ? one.start_s : other.start_s;
        return true;
    }
}

/* The word after `before` in the first line of a file; false: there is no such version. */
static bool version_in(const char *file, const char *before, char out[TZDATA_VERSION])
{
    const char *folder = getenv("TZDIR");
    char path[4096], line[64] = "";
    int length =
        snprintf(path, sizeof path, "%s/%s", folder ? folder : "/usr/share/zoneinfo", file);
    FILE *f = length > 0 && (size_t)length < sizeof path ? fopen(path, "re") : NULL;
    if (!f)
        return false;
    bool is_read = fgets(line, sizeof line, f) != NULL;
    (void)fclose(f);
    size_t skip = strlen(before);
    if (!is_read || strncmp(line, before, skip) != 0 || strspn(line + skip, "0123456789") != 4)
        return false;
    size_t size = 4 + strspn(line + skip + 4, "abcdefghijklmnopqrstuvwxyz");
    if (size == 4 || size >= TZDATA_VERSION)
        return false;
    memcpy(out, line + skip, size);
    out[size] = '\0';
    return true;
}

const char *tzdata_version(char out[TZDATA_VERSION])
{
    if (!version_in("tzdata.zi", "# version ", out) && !version_in("+VERSION", "", out))
        out[0] = '\0';
    return out;
}

bool tzdata_is_newer(const char *a, const char *b)
{
    return *a && *b && strcmp(a, b) > 0;
}
