/* What a body is that is no feed, by its first bytes. */
#include "common/espi/foreign.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "common/base/attr.h"

#define INSTEAD "; fetch the Green Button data (ESPI, XML) instead"
#define HEAD_BYTES 512

static const struct foreign csv = {"csv", "a table as text (CSV), not a feed" INSTEAD};
static const struct foreign json = {"json", "JSON, not a feed" INSTEAD};
static const struct foreign xls = {"xls", "a workbook (Excel), not a feed" INSTEAD};

struct magic {
    const char *bytes;
    size_t len;
    struct foreign is;
};

#define MAGIC(bytes) bytes, sizeof bytes - 1
static const struct magic magics[] = {
    {MAGIC("%PDF"), {"pdf", "a PDF, not a feed" INSTEAD}},
    {MAGIC("\xd0\xcf\x11\xe0"), {"xls", "a workbook (Excel), not a feed" INSTEAD}},
    {MAGIC("{\\rtf"), {"rtf", "a text document (RTF), not a feed" INSTEAD}},
    {MAGIC("\x89PNG"), {"image", "an image, not a feed" INSTEAD}},
    {MAGIC("\xff\xd8\xff"), {"image", "an image, not a feed" INSTEAD}},
    {MAGIC("7z\xbc\xaf"), {"archive", "an archive (7z): unpack it, and give what is in it"}},
    {MAGIC("Rar!"), {"archive", "an archive (RAR): unpack it, and give what is in it"}},
    {MAGIC("PK\3\4"),
     {"nested_archive", "an archive within another: unpack it, and give what is in it"}},
    {MAGIC("\x1f\x8b"), {"nested_archive", "gzip within gzip: unpack it, and give what is in it"}},
    {MAGIC("BZh"), {"archive", "packed by bzip2: unpack it, and give what is in it"}},
    {MAGIC("\xfd"
           "7zXZ"),
     {"archive", "packed by xz: unpack it, and give what is in it"}},
    {MAGIC("\x28\xb5\x2f\xfd"), {"archive", "packed by zstd: unpack it, and give what is in it"}},
};

/* ASCII in UTF-8 or UTF-16, without a byte order mark and blanks before it. */
static size_t plain_text(const char *head, size_t len, char plain[HEAD_BYTES])
{
    size_t used = 0;
    if (len >= 2 && (!memcmp(head, "\xff\xfe", 2) || !memcmp(head, "\xfe\xff", 2)))
        head += 2, len -= 2;
    else if (len >= 3 && !memcmp(head, "\xef\xbb\xbf", 3))
        head += 3, len -= 3;
    for (size_t i = 0; i < len && used < HEAD_BYTES; i++)
        if (head[i] && (used || !strchr(" \t\r\n", head[i])))
            plain[used++] = head[i];
    return used;
}

static size_t line_end(const char *text, size_t from, size_t len)
{
    while (from < len && text[from] != '\n' && text[from] != '\r')
        from++;
    return from;
}

/* Bytes that no text has: columns among them are none. */
static bool is_binary(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < ' ' && !strchr("\t\r\n\f", text[i]))
            return true;
    return false;
}

static size_t separators(const char *text, size_t from, size_t to, char separator)
{
    size_t count = 0;
    for (size_t i = from; i < to; i++)
        count += text[i] == separator;
    return count;
}

/* Two lines one after the other that have columns. Above a table some portals write a name or a
 * date. */
static bool is_table(const char *text, size_t len)
{
    static const char marks[] = ",;\t|";
    for (size_t at = 0; at < len;) {
        size_t end = line_end(text, at, len), next = end;
        while (next < len && (text[next] == '\n' || text[next] == '\r'))
            next++;
        for (const char *mark = marks; *mark; mark++)
            if (separators(text, at, end, *mark) &&
                separators(text, next, line_end(text, next, len), *mark))
                return true;
        at = next;
    }
    return false;
}

const struct foreign *foreign_of(const char *head, size_t len)
{
    char text[HEAD_BYTES];
    size_t text_len = plain_text(head, len, text);
    for (size_t i = 0; i < ARRAY_LEN(magics); i++)
        if ((len >= magics[i].len && !memcmp(head, magics[i].bytes, magics[i].len)) ||
            (text_len >= magics[i].len && !memcmp(text, magics[i].bytes, magics[i].len)))
            return &magics[i].is;
    if (!text_len || *text == '<')
        return NULL;
    if (*text == '{' || *text == '[')
        return &json;
    return !is_binary(text, text_len) && is_table(text, text_len) ? &csv : NULL;
}

const struct foreign *foreign_of_root(const char *name, const char *uri)
{
    return uri && !strcasecmp(uri, "urn:schemas-microsoft-com:office:spreadsheet") &&
                   !strcmp(name, "Workbook")
               ? &xls
               : NULL;
}
