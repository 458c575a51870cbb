/* Prints rows in columns, or as CSV. */
#include "ctl/table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"

struct table table_make(const char *const *titles, size_t columns)
{
    return (struct table){.titles = titles, .columns = columns};
}

/* --- cells ----------------------------------------------------------------------------------- */

static void end_cells(void *to, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        fputc(text[i] == '\t' ? '\0' : text[i], to);
}

static void put_value(void *to, const char *text, size_t len)
{
    fwrite(text, 1, len, to);
}

/* The cells of a row, and NULs enough for those that the format does not have; malloc's. */
PRINTF_LIKE(2, 0)
static char *row_make(const struct table *t, const char *format, va_list values)
{
    char *row = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&row, &len);
    if (!to)
        return NULL;
    const struct text_sink sink = {end_cells, put_value, put_value, to};
    text_format(&sink, format, values);
    for (size_t i = 0; i < t->columns; i++)
        fputc('\0', to);
    if (fclose(to) == 0)
        return row;
    free(row);
    return NULL;
}

static const char *next_cell(const char *cell)
{
    return cell + strlen(cell) + 1;
}

static const char *title_of(const struct table *t, size_t column)
{
    return t->titles[column] + strspn(t->titles[column], ">\"");
}

/* --- columns --------------------------------------------------------------------------------- */

void table_row(struct table *t, const char *format, ...)
{
    if (t->count == t->room) {
        size_t room = t->room > 0 ? 2 * t->room : 16;
        char **rows = reallocarray(t->rows, room, sizeof *rows);
        if (!rows)
            return;
        t->rows = rows;
        t->room = room;
    }
    va_list values;
    va_start(values, format);
    t->rows[t->count++] = row_make(t, format, values);
    va_end(values);
}

/* Columns of a screen that text takes: its UTF-8 characters. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

static void print_cell(const struct table *t, size_t column, size_t width, const char *cell,
                       FILE *out)
{
    bool right = t->titles[column][0] == '>', last = column + 1 == t->columns;
    int pad = (int)(width - width_of(cell));
    text_print(out, "%*s%s%*s", right ? pad : 0, "", cell, right || last ? 0 : pad, "");
    fputs(last ? "\n" : "  ", out);
}

void table_print(const struct table *t, FILE *out)
{
    size_t widths[TABLE_COLUMNS] = {0};
    for (size_t c = 0; c < t->columns; c++)
        widths[c] = width_of(title_of(t, c));
    for (size_t i = 0; i < t->count; i++) {
        const char *cell = t->rows[i];
        for (size_t c = 0; cell && c < t->columns; c++, cell = next_cell(cell))
            if (width_of(cell) > widths[c])
                widths[c] = width_of(cell);
    }
    for (size_t c = 0; c < t->columns; c++)
        print_cell(t, c, widths[c], title_of(t, c), out);
    for (size_t i = 0; i < t->count; i++) {
        const char *cell = t->rows[i];
        for (size_t c = 0; c < t->columns; c++, cell = cell ? next_cell(cell) : NULL)
            print_cell(t, c, widths[c], cell ? cell : "", out);
    }
}

void table_free(struct table *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->rows[i]);
    free(t->rows);
    *t = (struct table){.titles = t->titles, .columns = t->columns};
}

/* --- CSV ------------------------------------------------------------------------------------- */

/* What spreadsheets take for a formula, also in the wide forms of East Asian keyboards. */
static bool begins_formula(const char *text)
{
    static const char *const signs[] = {"=", "+", "-", "@", "＝", "＋", "－", "＠"};
    text += strspn(text, " ");
    for (size_t i = 0; i < ARRAY_LEN(signs); i++)
        if (strncmp(text, signs[i], strlen(signs[i])) == 0)
            return text[strlen(signs[i])]; /* alone it is none */
    return false;
}

/* In quotes always; a quote inside is doubled. */
static void csv_text(const char *text, FILE *out)
{
    fputc('"', out);
    if (begins_formula(text))
        fputc('\'', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

void table_csv_titles(const struct table *t, FILE *out)
{
    for (size_t c = 0; c < t->columns; c++)
        text_print(out, "%s%s", c > 0 ? "," : "", title_of(t, c));
    fputc('\n', out);
}

void table_csv_row(const struct table *t, FILE *out, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    char *row CLEANUP(free_at) = row_make(t, format, values);
    va_end(values);
    const char *cell = row ? row : "";
    for (size_t c = 0; c < t->columns; c++, cell = row ? next_cell(cell) : cell) {
        if (c > 0)
            fputc(',', out);
        if (t->titles[c][0] == '"')
            csv_text(cell, out);
        else
            text_put(out, cell);
    }
    fputc('\n', out);
}
