/* Any body: the feed reader refuses it with a reason, or finds the same readings whatever the
 * pieces. */
#include "common/espi/reader.h"
#include "ctl/inspect_print.h"
#include "common/espi/plausible.h"
#include "pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a feed came to. */
struct found {
    bool right;
    char code[32];
    uint64_t readings;
    uint64_t digest;
    size_t series;
    struct inspect_counts counts;
    struct plausible plausible;
};

static const struct espi_limits small = {.depth = 20,
                                         .token_bytes = 4096,
                                         .names_bytes = 65536,
                                         .text_bytes = 256,
                                         .attributes = 8,
                                         .kept_bytes = 65536,
                                         .problems = 20};

static void mix(uint64_t *digest, int64_t number)
{
    *digest = (*digest ^ (uint64_t)number) * 0x100000001b3u;
}

static bool take(void *context, const struct espi_reading *r, struct err *e)
{
    struct found *f = context;
    const int64_t numbers[] = {r->group,
                               r->ordinal,
                               (int64_t)r->entry,
                               r->start_s,
                               r->duration_s,
                               r->value,
                               r->value_exponent,
                               r->cost,
                               r->cost_exponent,
                               r->quality,
                               r->tou,
                               r->consumption_tier,
                               r->cpp,
                               r->placed};
    require(r->value_exponent <= 0 && r->value_exponent >= -30 && r->cost_exponent <= 0 &&
                r->cost_exponent >= -30,
            "decimals are as many as are said to fit");
    require(inspect_count_reading(&f->counts, r, e) && plausible_note(&f->plausible, r, e),
            "memory");
    f->readings++;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        mix(&f->digest, numbers[i]);
    return true;
}

static void mix_text(uint64_t *digest, const char *text)
{
    for (; text && *text; text++)
        mix(digest, *text);
}

static void look_at_series(struct espi *p, struct found *f)
{
    uint64_t readings = 0;
    f->series = espi_series_count(p);
    for (size_t i = 0; i < f->series; i++) {
        const struct espi_series *s = espi_series_at(p, i);
        readings += s->readings;
        mix(&f->digest, s->uom);
        mix_text(&f->digest, s->meter_reading);
        mix_text(&f->digest, s->usage_point);
        require(s->meter_reading || s->blocks_href || s->unresolved ||
                    espi_link_name(s->blocks_link),
                "a series says what it is");
    }
    for (size_t i = 0; i < espi_bill_count(p); i++) {
        const struct espi_bill *b = espi_bill_at(p, i);
        mix(&f->digest, b->value);
        mix(&f->digest, b->amount);
        mix(&f->digest, b->power_of_ten_multiplier);
        mix(&f->digest, b->start_s);
        mix(&f->digest, b->updated_s);
        mix_text(&f->digest, b->usage_point);
        require(b->usage_point_link != ESPI_LINK_NONE || !b->usage_point,
                "a bill's usage point was found by a rule");
    }
    for (uint32_t g = 0; g < espi_group_count(p); g++)
        require(espi_series_of_group(p, g) < f->series, "each group has a series");
    require(readings == espi_reading_count(p), "each reading has a series");
    require(readings == f->readings, "each reading is handed over once");
    for (size_t i = 0; i < espi_problem_count(p); i++)
        require(strlen(espi_problem_at(p, i)->code) > 0, "a problem has a code");
}

/* What people are shown of it, and judged by. */
static void show(struct espi *p, struct found *f, struct zones *zones)
{
    struct err e = {0};
    char text[80];
    const struct plausible_decided nothing = {0};
    require(plausible_judge(&f->plausible, &nothing, p, &e), "memory");
    struct inspect_file file = {.name = "-",
                                .feed = p,
                                .counts = inspect_count_join(&f->counts, p),
                                .are_starts_known = true,
                                .zones = zones};
    FILE *nowhere = fopen("/dev/null", "w");
    require(file.counts && nowhere, "memory");
    inspect_print_json(&file, nowhere);
    inspect_print_text(&file, nowhere);
    fclose(nowhere);
    free(file.counts);
    (void)espi_skipped(p, text, sizeof text);
    require(strlen(text) < sizeof text, "a text ends");
    (void)espi_check_content(p, &e);
}

static bool write_piece(void *to, const char *bytes, size_t len, struct err *e)
{
    return espi_write(to, bytes, len, e);
}

/* One document after the other: a byte that XML forbids is between them. */
static bool write_documents(struct espi *p, const uint8_t *data, size_t size, size_t piece,
                            struct err *e)
{
    const uint8_t *end;
    for (; (end = memchr(data, 0x1e, size)); size -= (size_t)(end + 1 - data), data = end + 1)
        if (!write_pieces(write_piece, p, data, (size_t)(end - data), piece, e) || !espi_next(p, e))
            return false;
    return write_pieces(write_piece, p, data, size, piece, e) && espi_finish(p, e);
}

static struct found read_feed(const uint8_t *data, size_t size, size_t piece,
                              const struct espi_limits *limits, struct zones *zones)
{
    struct err e = {0};
    struct found f = {0};
    struct espi_sink sink = {.reading = take, .context = &f};
    struct espi *p = espi_open(limits, &sink, &e);
    require(p, "a reader");
    f.right = write_documents(p, data, size, piece, &e);
    require(f.right || (e.kind != ERR_NONE && *e.code && strstr(e.text, "line ")),
            "a failure has a kind, a code and a place");
    memcpy(f.code, e.code, sizeof f.code);
    if (f.right)
        look_at_series(p, &f);
    if (f.right && zones)
        show(p, &f, zones);
    inspect_counts_free(&f.counts);
    plausible_free(&f.plausible);
    espi_free(p);
    return f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct zones zones; /* found once, for all runs; to name one is slow */
    if (size < 1)
        return 0;
    size_t piece = 1 + data[0];
    data++, size--;
    struct found whole = read_feed(data, size, size ? size : 1, NULL, piece % 8 ? NULL : &zones);
    struct found pieces = read_feed(data, size, piece, NULL, NULL);
    require(whole.right == pieces.right, "pieces change nothing");
    require(!whole.right || (whole.readings == pieces.readings && whole.digest == pieces.digest),
            "pieces change no reading");
    read_feed(data, size, piece, &small, NULL);
    return 0;
}
