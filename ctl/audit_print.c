/* `audit`: the days that differ as a table, or as one JSON object a line. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "ctl/cmd_audit.h"
#include "common/base/text.h"
#include "ctl/command.h"

#define PRINT_ROWS 500

static const char *const audit_titles[] = {
    ">meter",           "series",  "day",     ">in the books", ">in KairosDB", ">sum in the books",
    ">sum in KairosDB", ">record", "differs", "repair"};

struct audit_print audit_print_make(bool json, bool repair, const struct timezone_rules *zone,
                                    struct progress *progress)
{
    return (struct audit_print){.json = json,
                                .repair = repair,
                                .zone = zone,
                                .progress = progress,
                                .table = table_make(audit_titles, ARRAY_LEN(audit_titles))};
}

void audit_print_free(struct audit_print *p)
{
    table_free(&p->table);
}

static void audit_flush(struct audit_print *p)
{
    progress_clear(p->progress);
    if (p->table.count > 0)
        table_print(&p->table, stdout);
    table_free(&p->table);
}

static void audit_day_text(const struct audit_print *p, int64_t day_s, char out[32])
{
    struct civil day = timezone_civil(p->zone, day_s);
    snprintf(out, 32, "%04d-%02d-%02d", day.year, day.month, day.day);
}

/* --- rows
 * ------------------------------------------------------------------------------------------- */

static const char *audit_backfill_text(enum backfill backfill)
{
    switch (backfill) {
    case BACKFILL_ENQUEUED:
        return "on the queue";
    case BACKFILL_OPEN:
        return "on the queue already";
    case BACKFILL_IMPORTED:
        return "was a file: import it again";
    case BACKFILL_PAUSED:
        return "record is paused";
    case BACKFILL_GONE:
        return "record is gone";
    default:
        return "";
    }
}

static json_t *audit_numbers(int64_t readings, double sum, int64_t costs, double cost)
{
    return json_pack("{s:I, s:f, s:I, s:f}", "readings", (json_int_t)readings, "sum", sum, "costs",
                     (json_int_t)costs, "cost", cost);
}

static bool audit_row_json(const struct audit_print *p, const struct audit_row *r, struct err *e)
{
    const struct reconciled_day *d = r->day;
    const struct ledger_day_write *b = &d->book;
    char day[32];
    audit_day_text(p, b->day_s, day);
    json_t *row = json_pack(
        "{s:I, s:I, s:s, s:s, s:s, s:o, s:o, s:I, s:s?}", "meter", (json_int_t)r->series->meter_id,
        "series", (json_int_t)r->series->id, "custom_meter_id",
        r->tags->values[TAG_CUSTOM_METER_ID], "day", day, "differs", reconciliation_name(d->how),
        "books", audit_numbers(b->readings, b->total, b->costs, b->cost_total), "kairosdb",
        audit_numbers(d->value.count, d->value.sum, d->cost.count, d->cost.sum), "record",
        (json_int_t)b->record_id, "repair", p->repair ? backfill_name(r->backfill) : NULL);
    return ctl_print_json(row, e);
}

static void audit_row_text(struct audit_print *p, const struct audit_row *r)
{
    const struct reconciled_day *d = r->day;
    const struct ledger_day_write *b = &d->book;
    /* costs of a day are named where it is they that differ */
    bool values =
        b->readings != d->value.count || !kairosdb_same_sum(d->value.sum, b->total, d->value.sum);
    const char *what = values ? "" : " costs";
    char day[32];
    audit_day_text(p, b->day_s, day);
    table_row(&p->table,
              "%" PRId64 "\t%s %s %s %s, %s\t%s\t%" PRId64 "%s\t%" PRId64
              "%s\t%.12g\t%.12g\t%" PRId64 "\t%s\t%s",
              r->series->meter_id, r->tags->values[TAG_ENERGY_TYPE], r->tags->values[TAG_FLOW],
              r->tags->values[TAG_UOM], r->tags->values[TAG_INTERVAL],
              r->tags->values[TAG_CUSTOM_METER_ID], day, values ? b->readings : b->costs, what,
              values ? d->value.count : d->cost.count, what, values ? b->total : b->cost_total,
              values ? d->value.sum : d->cost.sum, b->record_id, reconciliation_name(d->how),
              audit_backfill_text(r->backfill));
}

bool audit_print_row(struct audit_print *p, const struct audit_row *row, struct err *e)
{
    if (p->json) {
        progress_clear(p->progress);
        return audit_row_json(p, row, e);
    }
    audit_row_text(p, row);
    if (p->table.count >= PRINT_ROWS)
        audit_flush(p);
    return true;
}

/* --- the end
 * ------------------------------------------------------------------------------------------- */

static bool audit_total_json(const struct audit_tally *t, struct err *e)
{
    json_int_t differ = t->less + t->other + t->more;
    return ctl_print_json(json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "series",
                                    (json_int_t)t->series, "days", (json_int_t)t->days, "differ",
                                    differ, "less", (json_int_t)t->less, "other",
                                    (json_int_t)t->other, "more", (json_int_t)t->more, "promised",
                                    (json_int_t)t->backfills.enqueued, "hopeless",
                                    (json_int_t)t->backfills.unreachable),
                          e);
}

static void audit_total_text(const struct audit_print *p, const struct audit_tally *t)
{
    int64_t differ = t->less + t->other + t->more;
    text_print(stdout, "%" PRId64 " series, %" PRId64 " days: ", t->series, t->days);
    if (differ == 0) {
        text_print(stdout, "all agree\n");
        return;
    }
    text_print(stdout,
               "%" PRId64 " differ (KairosDB has less on %" PRId64 ", another sum on %" PRId64
               ", more on %" PRId64 ")\n",
               differ, t->less, t->other, t->more);
    if (p->repair)
        text_print(stdout,
                   "%" PRId64 " parses put on the queue; %" PRId64
                   " days have a record that cannot be asked again\n",
                   t->backfills.enqueued, t->backfills.unreachable);
}

bool audit_print_end(struct audit_print *p, const struct audit_tally *tally, struct err *e)
{
    audit_flush(p);
    if (p->json)
        return audit_total_json(tally, e);
    audit_total_text(p, tally);
    return true;
}
