/* Prints rows in columns. */
#include "ctl/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"

struct table table_make(const char *const *titles, size_t columns)
{
    return (struct table){.titles = titles, .columns = columns};
}

size_t table_width(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

void table_add(struct table *t, const char *format, ...)
{
    if (t->count == t->room) {
        size_t room = t->room > 0 ? 2 * t->room : 64;
        char **cells = reallocarray(t->cells, room, sizeof *cells);
        if (!cells)
            return;
        t->cells = cells;
        t->room = room;
    }
    char *text = NULL;
    va_list values;
    va_start(values, format);
    if (vasprintf(&text, format, values) < 0)
        text = NULL;
    va_end(values);
    t->cells[t->count++] = text ? text_clean(text) : NULL;
}

static const char *cell(const struct table *t, size_t i)
{
    return t->cells[i] ? t->cells[i] : "";
}

static void print_row(const struct table *t, size_t from, bool titles, const size_t *widths,
                      FILE *out)
{
    for (size_t c = 0; c < t->columns; c++) {
        bool right = t->titles[c][0] == '>';
        const char *text = titles ? t->titles[c] + right : cell(t, from + c);
        int pad = (int)(widths[c] - table_width(text));
        bool last = c + 1 == t->columns;
        text_print(out, "%*s%s%*s", right ? pad : 0, "", text, right || last ? 0 : pad, "");
        fputs(last ? "\n" : "  ", out);
    }
}

void table_print(const struct table *t, FILE *out)
{
    size_t widths[TABLE_COLUMNS] = {0};
    for (size_t c = 0; c < t->columns; c++)
        widths[c] = table_width(t->titles[c]) - (t->titles[c][0] == '>');
    for (size_t i = 0; i < t->count; i++)
        if (table_width(cell(t, i)) > widths[i % t->columns])
            widths[i % t->columns] = table_width(cell(t, i));
    print_row(t, 0, true, widths, out);
    for (size_t i = 0; i + t->columns <= t->count; i += t->columns)
        print_row(t, i, false, widths, out);
}

void table_free(struct table *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->cells[i]);
    free(t->cells);
    *t = (struct table){0};
}
