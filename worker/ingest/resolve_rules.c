/* The decisions of resolve that need no database: they depend only on the feed, on what a person
 * decided, and on what the store answered. Pure. */
#include "worker/ingest/resolve_rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/decimal.h"
#include "common/espi/problems.h"
#include "common/espi/service.h"

/* Instants that a bill can begin at, as of readings: 1973 to 2286. */
#define BILL_LEAST_S INT64_C(100000000)
#define BILL_MOST_S INT64_C(10000000000)

/* --- why series are not stored ---------------------------------------------------------------- */

void reasons_add(struct resolve_reasons *reasons, const char *code, uint64_t readings)
{
    size_t i = 0;
    while (i < reasons->count && strcmp(reasons->of[i].code, code) != 0)
        i++;
    if (i == RESOLVE_REASONS)
        return;
    if (i == reasons->count) {
        snprintf(reasons->of[i].code, sizeof reasons->of[i].code, "%s", code);
        reasons->count++;
    }
    reasons->of[i].series++;
    reasons->of[i].readings += readings;
}

void reasons_text(const struct resolve_reasons *reasons, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < reasons->count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s: %zu series, %" PRIu64 " readings",
                                 i ? "; " : "", reasons->of[i].code, reasons->of[i].series,
                                 reasons->of[i].readings);
}

/* --- series and meters ------------------------------------------------------------------------ */

static bool is_impossible_multiplier(int64_t exponent)
{
    return exponent != ESPI_ABSENT &&
           (exponent < -DECIMAL_MAX_EXPONENT || exponent > DECIMAL_MAX_EXPONENT);
}

const char *series_fault(const struct espi_series *s)
{
    return is_impossible_multiplier(s->power_of_ten_multiplier) ? "bad_multiplier" : NULL;
}

void meter_name(const struct series_tags *tags, char out[METER_NAME])
{
    const char *interval = tags->values[TAG_INTERVAL];
    bool is_bill = !strcmp(tags->values[TAG_READING_KIND], "bill");
    bool has_interval = strspn(interval, "0123456789") == strlen(interval);
    snprintf(out, METER_NAME, "GreenButton %s %s %s%s%s%s", tags->values[TAG_ENERGY_TYPE],
             is_bill ? "bill" : tags->values[TAG_FLOW], tags->values[TAG_UOM],
             has_interval ? " " : "", has_interval ? interval : "", has_interval ? " s" : "");
}

enum claim_next claim_next(enum series_owner owner, bool is_distinguished, bool has_own)
{
    switch (owner) {
    case SERIES_TAKEN:
        return is_distinguished ? CLAIM_DONE : CLAIM_DISTINGUISH;
    case SERIES_LEFT:
        return has_own ? CLAIM_APART : CLAIM_TAKE_OVER;
    case SERIES_ANOTHERS:
        return CLAIM_APART;
    default:
        return CLAIM_DONE;
    }
}

/* --- registers -------------------------------------------------------------------------------- */

bool is_register_kind(const struct espi_series *s)
{
    return (s->accumulation_behaviour == 1 || s->accumulation_behaviour == 9) &&
           series_is_summable(s);
}

bool register_decided(const char *option, bool is_known, bool is_register,
                      enum staging_register *ret_is)
{
    if (*option)
        is_register = strcmp(option, "deltas") != 0;
    *ret_is = is_register ? STAGING_REGISTER : STAGING_DELTAS;
    return *option || is_known;
}

/* --- bills ------------------------------------------------------------------------------------ */

const char *bill_fault(const struct correction *c, const struct espi_bill *b)
{
    if (!b->usage_point && !c->meter)
        return "bill_without_usage_point";
    if (b->start_s == ESPI_ABSENT || b->duration_s == ESPI_ABSENT || b->duration_s <= 0 ||
        b->start_s < BILL_LEAST_S || b->start_s > BILL_MOST_S || b->duration_s > UINT32_MAX)
        return "bill_without_period";
    if (b->value != ESPI_ABSENT && b->uom == ESPI_ABSENT)
        return "bill_without_unit";
    return is_impossible_multiplier(b->power_of_ten_multiplier) ? "bill_multiplier" : NULL;
}

struct espi_series bill_series(const struct correction *c, const struct espi_bill *b)
{
    struct correction naming = *c;
    struct espi_series s = espi_series_unknown();
    naming.has_multiplier = false;
    naming.shift_s = 0;
    s.usage_point = b->usage_point;
    s.service_kind = b->service_kind;
    s.commodity = b->commodity;
    s.uom = b->value == ESPI_ABSENT ? ESPI_ABSENT : b->uom;
    return correction_series(&naming, &s);
}

void bill_tags(struct series_tags *tags)
{
    char *meter = tags->values[TAG_CUSTOM_METER_ID];
    size_t keep = strlen(meter), room = SERIES_TAG_BYTES - sizeof ".bill";
    snprintf(meter + (keep < room ? keep : room), sizeof ".bill", ".bill");
    snprintf(tags->values[TAG_READING_KIND], SERIES_TAG_BYTES, "bill");
}

/* --- what else was found ---------------------------------------------------------------------- */

void told_text(const struct espi_problem *const *problems, size_t count, size_t apart, char *out,
               size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < count && used < size; i++) {
        const struct espi_problem *first = problems[i];
        uint64_t times = 0;
        bool is_first = !espi_problem_is_counted(espi_problem_of_code(first->code));
        for (size_t j = 0; is_first && j < count; j++) {
            if (strcmp(problems[j]->code, first->code) != 0)
                continue;
            is_first = j >= i;
            times += problems[j]->count;
        }
        if (is_first)
            used += (size_t)snprintf(
                out + used, size - used, "%s%s: %" PRIu64 ", first at line %" PRIu64 " (%s)",
                used ? "; " : "", first->code, times, first->line, first->where);
    }
    if (apart && used < size)
        (void)snprintf(out + used, size - used, "%smeter_of_another_record: %zu, kept apart",
                       used ? "; " : "", apart);
}
