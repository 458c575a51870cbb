/* What was odd about a feed: a few of each kind are kept with their place, the rest only counted.
 */
#include "common/espi/problems.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_OF_A_KIND 10

const char *espi_problem_code(enum espi_problem_kind odd)
{
    static const char *const codes[PROBLEM_COUNT] = {
        [PROBLEM_BAD_NUMBER] = "bad_number",
        [PROBLEM_NUMBER_NOT_WHOLE] = "number_not_whole",
        [PROBLEM_START_NOT_WHOLE] = "start_not_whole",
        [PROBLEM_NO_VALUE] = "no_value",
        [PROBLEM_NO_TIME] = "no_time",
        [PROBLEM_NO_INTERVAL_LENGTH] = "no_interval_length",
        [PROBLEM_INTERVAL_UNIT] = "interval_length_unit",
        [PROBLEM_DURATION_UNIT] = "duration_unit",
        [PROBLEM_CONFLICTING_RESOURCE] = "conflicting_resource",
        [PROBLEM_AMBIGUOUS_LINK] = "ambiguous_link",
        [PROBLEM_NO_USAGE_POINT] = "no_usage_point",
        [PROBLEM_NO_METER_READING] = "no_meter_reading",
        [PROBLEM_NO_READING_TYPE] = "no_reading_type",
        [PROBLEM_NO_UNIT] = "no_unit",
        [PROBLEM_BAD_MULTIPLIER] = "bad_multiplier",
        [PROBLEM_CONFLICTING_TYPES] = "conflicting_types",
        [PROBLEM_DST_CUT_OFF] = "dst_rule_cut_off",
        [PROBLEM_DST_UNIX_TIME] = "dst_rule_unix_time",
        [PROBLEM_DST_SECONDS] = "dst_rule_seconds",
        [PROBLEM_DST_UNREADABLE] = "dst_rule_unreadable",
        [PROBLEM_SERVICE_CONFLICT] = "service_conflict",
        [PROBLEM_AMOUNT] = "implausible_amount",
        [PROBLEM_PRICE] = "implausible_price",
        [PROBLEM_POWER_DISAGREES] = "power_disagrees",
        [PROBLEM_NOT_ESPI] = "not_espi",
        [PROBLEM_TZ_OFFSET_SIGN] = "tz_offset_sign",
        [PROBLEM_TZ_OFFSET_UNIT] = "tz_offset_unit",
        [PROBLEM_TZ_OFFSET_ODD] = "tz_offset_odd",
        [PROBLEM_DST_SWAPPED] = "dst_rules_swapped",
        [PROBLEM_DST_MISSING] = "dst_rule_missing",
        [PROBLEM_DST_EQUAL] = "dst_rules_equal",
        [PROBLEM_DST_OFFSET] = "dst_offset_odd",
        [PROBLEM_DST_FOREIGN] = "dst_rule_foreign",
        [PROBLEM_NAME_SPACE] = "name_space",
        [PROBLEM_MISPLACED_READING] = "misplaced_reading",
        [PROBLEM_MILLISECONDS] = "start_in_milliseconds",
        [PROBLEM_START_IMPOSSIBLE] = "start_impossible",
        [PROBLEM_UNREADABLE_VALUES] = "unreadable_values",
        [PROBLEM_UNREADABLE_COSTS] = "unreadable_costs",
        [PROBLEM_UNREADABLE_TYPE] = "unreadable_type",
        [PROBLEM_BILL_LINES] = "bill_lines_unclear",
        [PROBLEM_BLOCKS_DIFFER] = "blocks_differ",
        [PROBLEM_CUSTOMER_DATA] = "customer_data",
        [PROBLEM_BATCH_LIST] = "batch_list",
        [PROBLEM_UNREAD_FILE] = "file_not_read",
    };
    return codes[odd];
}

enum espi_problem_kind espi_problem_of_code(const char *code)
{
    int odd = 0;
    while (odd < PROBLEM_COUNT && strcmp(espi_problem_code((enum espi_problem_kind)odd), code) != 0)
        odd++;
    return (enum espi_problem_kind)odd;
}

/* Cuts a text to fit without splitting a UTF-8 character. */
static size_t fitting(const char *text, size_t len, size_t room)
{
    if (len <= room)
        return len;
    while (room && ((unsigned char)text[room] & 0xc0) == 0x80)
        room--;
    return room;
}

bool espi_problem_is_skipped(enum espi_problem_kind odd)
{
    return odd == PROBLEM_NO_VALUE || odd == PROBLEM_NO_TIME || odd == PROBLEM_MISPLACED_READING ||
           odd == PROBLEM_MILLISECONDS || odd == PROBLEM_START_IMPOSSIBLE;
}

bool espi_problem_is_counted(enum espi_problem_kind odd)
{
    return espi_problem_is_skipped(odd) || odd == PROBLEM_CUSTOMER_DATA ||
           odd == PROBLEM_BATCH_LIST;
}

/* One more of a problem that is kept already. */
static bool count_again(struct espi_problems *p, enum espi_problem_kind odd, const char *where,
                        size_t len)
{
    const char *code = espi_problem_code(odd);
    for (size_t i = 0; i < p->count; i++)
        if (p->kept[i].code == code && strlen(p->kept[i].where) == len &&
            (!len || !memcmp(p->kept[i].where, where, len))) {
            p->kept[i].count++;
            return true;
        }
    return false;
}

void espi_problems_add(struct espi_problems *p, enum espi_problem_kind odd, uint64_t line,
                       uint64_t column, const char *where, size_t len)
{
    if (!p->kept && p->max)
        p->kept = calloc(p->max, sizeof *p->kept);
    len = where ? fitting(where, len, sizeof p->kept->where - 1) : 0;
    if (espi_problem_is_counted(odd) && count_again(p, odd, where, len))
        return;
    if (!p->kept || p->count == p->max || p->of_kind[odd] == KEPT_OF_A_KIND) {
        p->not_kept++;
        return;
    }
    struct espi_problem *problem = &p->kept[p->count++];
    p->of_kind[odd]++;
    *problem = (struct espi_problem){
        .code = espi_problem_code(odd), .line = line, .column = column, .count = 1};
    if (len)
        memcpy(problem->where, where, len);
}
