/* What the tests of the feed reader share. */
#include "espi_test.h"

#include <inttypes.h>
#include <stdio.h>

#define TEXT_MAX (16u << 20)

struct body body_of_file(const char *name)
{
    char path[500];
    snprintf(path, sizeof path, "%s/feeds/%s", METERBEAT_TEST_DATA, name);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    struct body b = {.bytes = malloc(1u << 20)};
    assert_non_null(b.bytes);
    b.len = fread(b.bytes, 1, 1u << 20, in);
    fclose(in);
    return b;
}

struct body body_of_text(const char *text)
{
    return (struct body){strdup(text), strlen(text)};
}

void body_free(struct body *b)
{
    free(b->bytes);
}

static const char *number(int64_t value, char text[24])
{
    if (value == ESPI_ABSENT)
        return "-";
    snprintf(text, 24, "%" PRId64, value);
    return text;
}

/* "12", "62e-2", "-". */
static const char *decimal(int64_t value, int32_t exponent, char text[40])
{
    char digits[24];
    snprintf(text, 40, exponent ? "%se%d" : "%s", number(value, digits), (int)exponent);
    return text;
}

static bool note_reading(void *context, const struct espi_reading *r, struct err *e)
{
    char start[24], duration[24], value[40], cost[40], quality[24], tou[24], tier[24], cpp[24];
    struct outcome *o = context;
    bool has_more = r->consumption_tier != ESPI_ABSENT || r->cpp != ESPI_ABSENT;
    return buf_printf(&o->readings, e, "g%u e%u #%u %s+%s%s = %s cost %s q %s/%x tou %s%s%s%s%s\n",
                      r->group, (unsigned)r->entry, r->ordinal, number(r->start_s, start),
                      number(r->duration_s, duration), r->placed ? "" : "?",
                      decimal(r->value, r->value_exponent, value),
                      decimal(r->cost, r->cost_exponent, cost), number(r->quality, quality),
                      r->qualities, number(r->tou, tou), has_more ? " tier " : "",
                      has_more ? number(r->consumption_tier, tier) : "", has_more ? " cpp " : "",
                      has_more ? number(r->cpp, cpp) : "");
}

static bool note_entry(void *context, const struct espi_entry *entry, struct err *e)
{
    char updated[24];
    struct outcome *o = context;
    return buf_printf(&o->readings, e, "entry %u updated %s\n", (unsigned)entry->entry,
                      number(entry->updated_s, updated));
}

static const char *name(const char *text)
{
    return text ? text : "-";
}

static void note_series(struct outcome *o, const struct espi_series *s)
{
    char uom[24], exponent[24], flow[24], service[24];
    assert_true(buf_printf(
        &o->series, &o->e, "%s | %s | %s | service %s uom %s e%s flow %s | %s %s %s | %d of %d",
        name(s->usage_point), name(s->meter_reading ? s->meter_reading : s->blocks_href),
        name(s->reading_type), number(s->service_kind, service), number(s->uom, uom),
        number(s->power_of_ten_multiplier, exponent), number(s->flow_direction, flow),
        espi_link_name(s->usage_point_link), espi_link_name(s->blocks_link),
        espi_link_name(s->reading_type_link), (int)s->readings, (int)s->blocks));
    assert_true(buf_printf(&o->series, &o->e, "%s%s\n", s->unresolved ? " " : "",
                           s->unresolved ? s->unresolved : ""));
}

static void note_end(struct outcome *o, const struct espi *feed)
{
    for (size_t i = 0; i < espi_series_count(feed); i++)
        note_series(o, espi_series_at(feed, i));
    for (uint32_t g = 0; g < espi_group_count(feed); g++)
        assert_true(
            buf_printf(&o->series, &o->e, "g%u = series %zu\n", g, espi_series_of_group(feed, g)));
    for (size_t i = 0; i < espi_problem_count(feed); i++) {
        const struct espi_problem *p = espi_problem_at(feed, i);
        assert_true(buf_printf(&o->series, &o->e, "%s at %d: %s", p->code, (int)p->line, p->where));
        if (p->count > 1)
            assert_true(buf_printf(&o->series, &o->e, " x%d", (int)p->count));
        assert_true(buf_append(&o->series, "\n", 1, &o->e));
    }
}

static bool write_pieces(struct espi *feed, struct body b, piece_size *size, void *context,
                         struct err *e)
{
    size_t at = 0;
    for (size_t i = 0; at < b.len; i++) {
        size_t len = size(i, at, context);
        len = len < b.len - at ? len : b.len - at;
        if (!espi_write(feed, b.bytes + at, len, e))
            return false;
        at += len;
    }
    return espi_finish(feed, e);
}

struct outcome outcome_of_pieces(struct body b, piece_size *size, void *context,
                                 const struct espi_limits *limits)
{
    struct outcome o = {.readings = buf_make(TEXT_MAX), .series = buf_make(TEXT_MAX)};
    struct espi_sink sink = {.reading = note_reading, .entry = note_entry, .context = &o};
    struct espi *feed = espi_open(limits, &sink, &o.e);
    assert_non_null(feed);
    o.right = write_pieces(feed, b, size, context, &o.e);
    assert_true(buf_append(&o.series, "", 0, NULL) && buf_append(&o.readings, "", 0, NULL));
    if (o.right)
        note_end(&o, feed);
    espi_free(feed);
    return o;
}

static size_t whole(size_t i, size_t at, void *context)
{
    (void)i, (void)at, (void)context;
    return SIZE_MAX;
}

struct outcome outcome_of(struct body b, const struct espi_limits *limits)
{
    return outcome_of_pieces(b, whole, NULL, limits);
}

void outcome_free(struct outcome *o)
{
    buf_free(&o->readings);
    buf_free(&o->series);
}

void assert_refused(const char *text, size_t len, enum err_kind kind, const char *code)
{
    struct outcome o = outcome_of((struct body){(char *)text, len}, NULL);
    assert_false(o.right);
    assert_string_equal(o.e.code, code);
    assert_int_equal(o.e.kind, kind);
    assert_non_null(strstr(o.e.text, "line "));
    outcome_free(&o);
}
