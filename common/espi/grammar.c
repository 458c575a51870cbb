/* Which elements of a feed mean something: a table of rules, the children of each rule in one run.
 */
#include "common/espi/grammar.h"

#include <string.h>
#include <strings.h>

#include "common/base/attr.h"

/* Where each run of children begins. A run ends where the next one begins. */
enum {
    IN_DOCUMENT = 1,
    IN_FEED = IN_DOCUMENT + 10,
    IN_ENTRY = IN_FEED + 2,
    IN_CONTENT = IN_ENTRY + 11,
    IN_METER_READING = IN_CONTENT + 8,
    IN_USAGE_POINT = IN_METER_READING + 1,
    IN_SERVICE_CATEGORY = IN_USAGE_POINT + 2,
    IN_READING_TYPE = IN_SERVICE_CATEGORY + 1,
    IN_LOCAL_TIME = IN_READING_TYPE + RT_SLOTS,
    IN_BLOCK = IN_LOCAL_TIME + LTP_SLOTS,
    IN_BLOCK_INTERVAL = IN_BLOCK + 2,
    IN_READING = IN_BLOCK_INTERVAL + 6,
    IN_PERIOD = IN_READING + 8,
    IN_QUALITIES = IN_PERIOD + 2,
    IN_SUMMARY = IN_QUALITIES + 1,
    IN_BILLING_PERIOD = IN_SUMMARY + 12,
    IN_LINE = IN_BILLING_PERIOD + 2,
    IN_OVERALL = IN_LINE + 3,
    IN_CURRENT = IN_OVERALL + 3,
    IN_LIST = IN_CURRENT + 3,
    IN_END = IN_LIST + 1,
};

#define CHILDREN(first, next) .first_child = (first), .last_child = (next)
#define NUMBER(element, of, at)                                                                    \
    {                                                                                              \
        .name = element, .text = true, .node = NODE_FIELD, .kind = of, .slot = at                  \
    }
#define WORD(element, of, at)                                                                      \
    {                                                                                              \
        .name = element, .text = true, .node = NODE_WORD, .kind = of, .slot = at                   \
    }

/* The resources, wherever one may stand: as the root, in an entry's content, and in an entry that
 * forgot it. */
#define BLOCK                                                                                      \
    {                                                                                              \
        .name = "IntervalBlock", .node = NODE_BLOCK, CHILDREN(IN_BLOCK, IN_BLOCK_INTERVAL)         \
    }
#define RESOURCES                                                                                  \
    BLOCK,                                                                                         \
        {.name = "UsagePoint",                                                                     \
         .node = NODE_RESOURCE,                                                                    \
         .kind = KIND_USAGE_POINT,                                                                 \
         CHILDREN(IN_USAGE_POINT, IN_SERVICE_CATEGORY)},                                           \
        {.name = "MeterReading",                                                                   \
         .node = NODE_RESOURCE,                                                                    \
         .kind = KIND_METER_READING,                                                               \
         CHILDREN(IN_METER_READING, IN_USAGE_POINT)},                                              \
        {.name = "ReadingType",                                                                    \
         .node = NODE_RESOURCE,                                                                    \
         .kind = KIND_READING_TYPE,                                                                \
         CHILDREN(IN_READING_TYPE, IN_LOCAL_TIME)},                                                \
        {.name = "LocalTimeParameters",                                                            \
         .node = NODE_RESOURCE,                                                                    \
         .kind = KIND_LOCAL_TIME,                                                                  \
         CHILDREN(IN_LOCAL_TIME, IN_BLOCK)},                                                       \
        {.name = "UsageSummary",                                                                   \
         .node = NODE_RESOURCE,                                                                    \
         .kind = KIND_SUMMARY,                                                                     \
         CHILDREN(IN_SUMMARY, IN_BILLING_PERIOD)},                                                 \
    {                                                                                              \
        .name = "ElectricPowerUsageSummary", .node = NODE_RESOURCE, .kind = KIND_SUMMARY,          \
        .slot = 1, CHILDREN(IN_SUMMARY, IN_BILLING_PERIOD)                                         \
    }

#define ENTRY                                                                                      \
    {                                                                                              \
        .name = "entry", .atom = true, .node = NODE_ENTRY, CHILDREN(IN_ENTRY, IN_CONTENT)          \
    }

const struct espi_rule espi_grammar[] = {
    {.name = "", .node = NODE_DOCUMENT, CHILDREN(IN_DOCUMENT, IN_FEED)},
    /* IN_DOCUMENT */
    {.name = "feed", .atom = true, .node = NODE_FEED, CHILDREN(IN_FEED, IN_ENTRY)},
    ENTRY,
    RESOURCES,
    {.name = "BatchList", .node = NODE_LIST, CHILDREN(IN_LIST, IN_END)},
    /* IN_FEED */
    ENTRY,
    {.name = "link", .atom = true, .node = NODE_LINK},
    /* IN_ENTRY */
    {.name = "link", .atom = true, .node = NODE_LINK},
    {.name = "content", .atom = true, .node = NODE_CONTENT, CHILDREN(IN_CONTENT, IN_USAGE_POINT)},
    {.name = "title", .atom = true, .text = true, .node = NODE_TITLE},
    {.name = "updated", .atom = true, .text = true, .node = NODE_UPDATED},
    RESOURCES,
    /* IN_CONTENT: some writers put the entry's dates here */
    {.name = "updated", .atom = true, .text = true, .node = NODE_UPDATED},
    RESOURCES,
    /* IN_METER_READING: blocks belong into entries of their own, but some writers put them here */
    BLOCK,
    /* IN_USAGE_POINT */
    BLOCK,
    {.name = "ServiceCategory", .node = NODE_PART, CHILDREN(IN_SERVICE_CATEGORY, IN_READING_TYPE)},
    /* IN_SERVICE_CATEGORY */
    NUMBER("kind", KIND_USAGE_POINT, UP_SERVICE_KIND),
    /* IN_READING_TYPE */
    NUMBER("accumulationBehaviour", KIND_READING_TYPE, RT_ACCUMULATION),
    NUMBER("commodity", KIND_READING_TYPE, RT_COMMODITY),
    NUMBER("consumptionTier", KIND_READING_TYPE, RT_CONSUMPTION_TIER),
    NUMBER("cpp", KIND_READING_TYPE, RT_CPP),
    NUMBER("currency", KIND_READING_TYPE, RT_CURRENCY),
    NUMBER("dataQualifier", KIND_READING_TYPE, RT_DATA_QUALIFIER),
    NUMBER("defaultQuality", KIND_READING_TYPE, RT_DEFAULT_QUALITY),
    NUMBER("flowDirection", KIND_READING_TYPE, RT_FLOW_DIRECTION),
    NUMBER("intervalLength", KIND_READING_TYPE, RT_INTERVAL_LENGTH),
    NUMBER("kind", KIND_READING_TYPE, RT_KIND),
    NUMBER("measuringPeriod", KIND_READING_TYPE, RT_MEASURING_PERIOD),
    NUMBER("powerOfTenMultiplier", KIND_READING_TYPE, RT_MULTIPLIER),
    NUMBER("phase", KIND_READING_TYPE, RT_PHASE),
    NUMBER("timeAttribute", KIND_READING_TYPE, RT_TIME_ATTRIBUTE),
    NUMBER("tou", KIND_READING_TYPE, RT_TOU),
    NUMBER("uom", KIND_READING_TYPE, RT_UOM),
    /* IN_LOCAL_TIME */
    WORD("dstEndRule", KIND_LOCAL_TIME, LTP_DST_END),
    NUMBER("dstOffset", KIND_LOCAL_TIME, LTP_DST_OFFSET),
    WORD("dstStartRule", KIND_LOCAL_TIME, LTP_DST_START),
    NUMBER("tzOffset", KIND_LOCAL_TIME, LTP_TZ_OFFSET),
    /* IN_BLOCK */
    {.name = "IntervalReading", .node = NODE_READING, CHILDREN(IN_READING, IN_PERIOD)},
    {.name = "interval", .node = NODE_BLOCK_INTERVAL, CHILDREN(IN_BLOCK_INTERVAL, IN_READING)},
    /* IN_BLOCK_INTERVAL */
    {.name = "duration", .text = true, .node = NODE_BLOCK_DURATION},
    {.name = "start", .text = true, .node = NODE_BLOCK_START},
    {.name = "servicePointId", .text = true, .node = NODE_BLOCK_POINT},
    {.name = "serviceType", .text = true, .node = NODE_BLOCK_SERVICE},
    {.name = "unitOfMeasure", .text = true, .node = NODE_BLOCK_UNIT},
    {.name = "secondsPerInterval", .text = true, .node = NODE_BLOCK_STEP},
    /* IN_READING */
    {.name = "timePeriod", .node = NODE_READING_PERIOD, CHILDREN(IN_PERIOD, IN_QUALITIES)},
    {.name = "value", .text = true, .node = NODE_VALUE},
    {.name = "cost", .text = true, .node = NODE_COST},
    {.name = "ReadingQuality", .node = NODE_QUALITIES, CHILDREN(IN_QUALITIES, IN_SUMMARY)},
    {.name = "tou", .text = true, .node = NODE_TOU},
    {.name = "consumptionTier", .text = true, .node = NODE_TIER},
    {.name = "cpp", .text = true, .node = NODE_CPP},
    {.name = "readingQuality", .text = true, .node = NODE_QUALITY_WORD},
    /* IN_PERIOD */
    {.name = "duration", .text = true, .node = NODE_DURATION},
    {.name = "start", .text = true, .node = NODE_START},
    /* IN_QUALITIES */
    {.name = "quality", .text = true, .node = NODE_QUALITY},
    /* IN_SUMMARY */
    NUMBER("billLastPeriod", KIND_SUMMARY, SUM_BILL_LAST),
    NUMBER("billToDate", KIND_SUMMARY, SUM_BILL_TO_DATE),
    {.name = "billingPeriod", .node = NODE_PART, CHILDREN(IN_BILLING_PERIOD, IN_LINE)},
    NUMBER("commodity", KIND_SUMMARY, SUM_COMMODITY),
    {.name = "costAdditionalDetailLastPeriod", .node = NODE_LINE, CHILDREN(IN_LINE, IN_OVERALL)},
    NUMBER("costAdditionalLastPeriod", KIND_SUMMARY, SUM_COST_ADDITIONAL),
    NUMBER("currency", KIND_SUMMARY, SUM_CURRENCY),
    {.name = "currentBillingPeriodOverAllConsumption",
     .node = NODE_PART,
     CHILDREN(IN_CURRENT, IN_LIST)},
    {.name = "overallConsumptionLastPeriod", .node = NODE_PART, CHILDREN(IN_OVERALL, IN_CURRENT)},
    NUMBER("qualityOfReading", KIND_SUMMARY, SUM_QUALITY),
    NUMBER("statusTimeStamp", KIND_SUMMARY, SUM_STATUS_TIME),
    BLOCK,
    /* IN_BILLING_PERIOD */
    NUMBER("duration", KIND_SUMMARY, SUM_DURATION),
    NUMBER("start", KIND_SUMMARY, SUM_START),
    /* IN_LINE */
    {.name = "amount", .text = true, .node = NODE_LINE_AMOUNT},
    {.name = "itemKind", .text = true, .node = NODE_LINE_KIND},
    {.name = "note", .text = true, .node = NODE_LINE_NOTE},
    /* IN_OVERALL */
    NUMBER("powerOfTenMultiplier", KIND_SUMMARY, SUM_OVERALL_MULTIPLIER),
    NUMBER("uom", KIND_SUMMARY, SUM_OVERALL_UOM),
    NUMBER("value", KIND_SUMMARY, SUM_OVERALL_VALUE),
    /* IN_CURRENT */
    NUMBER("powerOfTenMultiplier", KIND_SUMMARY, SUM_CURRENT_MULTIPLIER),
    NUMBER("uom", KIND_SUMMARY, SUM_CURRENT_UOM),
    NUMBER("value", KIND_SUMMARY, SUM_CURRENT_VALUE),
    /* IN_LIST */
    {.name = "resources", .text = true, .node = NODE_LIST_URL},
};
_Static_assert(sizeof espi_grammar / sizeof *espi_grammar == IN_END,
               "each run has the length it is given");

_Static_assert(IN_END <= ESPI_RULES_MAX, "there is room for each rule");

/* A name space without its scheme, "www." and slashes at its end, as far as it is `plain`. */
static bool is_space(const char *uri, const char *plain)
{
    size_t len = strlen(plain);
    uri += !strncasecmp(uri, "http://", 7) ? 7 : !strncasecmp(uri, "https://", 8) ? 8 : 0;
    uri += !strncasecmp(uri, "www.", 4) && strncasecmp(plain, "www.", 4) != 0 ? 4 : 0;
    return !strncasecmp(uri, plain, len) && uri[len + strspn(uri + len, "/")] == '\0';
}

bool espi_grammar_is_espi(const char *uri)
{
    return uri && is_space(uri, "naesb.org/espi");
}

bool espi_grammar_is_root(const char *name, const char *uri)
{
    struct espi_seen seen[ESPI_RULES_MAX] = {0};
    bool is_misplaced;
    return espi_grammar_match(0, name, uri, seen, &is_misplaced) >= 0 ||
           espi_grammar_is_espi(uri) || (uri && !strncmp(uri, ESPI_NS, strlen(ESPI_NS)));
}

static bool is_either_space(const char *uri)
{
    return !uri || espi_grammar_is_espi(uri) || is_space(uri, "www.w3.org/2005/Atom");
}

static int match_text(const struct espi_rule *of, const char *name, const char *uri,
                      bool *ret_is_misplaced)
{
    int misplaced = -1;
    for (int i = of->first_child; i < of->last_child; i++) {
        const struct espi_rule *rule = &espi_grammar[i];
        if (strcmp(rule->name, name) != 0)
            continue;
        if (uri && !strcmp(uri, rule->atom ? ESPI_NS_ATOM : ESPI_NS))
            return i;
        misplaced = i;
    }
    *ret_is_misplaced = misplaced >= 0 && is_either_space(uri);
    return *ret_is_misplaced ? misplaced : -1;
}

int espi_grammar_match(int parent, const char *name, const char *uri,
                       struct espi_seen seen[ESPI_RULES_MAX], bool *ret_is_misplaced)
{
    const struct espi_rule *of = &espi_grammar[parent];
    *ret_is_misplaced = false;
    for (int i = of->first_child; i < of->last_child; i++)
        if (seen[i].name == name && seen[i].uri == uri)
            return i;
    int rule = match_text(of, name, uri, ret_is_misplaced);
    if (rule >= 0)
        seen[rule] = (struct espi_seen){name, uri};
    return rule;
}

bool espi_grammar_is_foreign(int parent, const char *name, const char *uri)
{
    const struct espi_rule *of = &espi_grammar[parent];
    size_t below = strlen(ESPI_NS "/");
    if (is_either_space(uri) || (!strncmp(uri, ESPI_NS "/", below) && uri[below]))
        return false;
    for (int i = of->first_child; i < of->last_child; i++) {
        uint8_t node = espi_grammar[i].node;
        if ((node == NODE_BLOCK || node == NODE_RESOURCE) && !strcmp(espi_grammar[i].name, name))
            return true;
    }
    return false;
}

bool espi_grammar_is_customer(const char *name, const char *uri)
{
    static const char *const names[] = {"RetailCustomer",    "Customer",        "CustomerAccount",
                                        "CustomerAgreement", "ServiceSupplier", "ServiceLocation"};
    if (uri && is_space(uri, "naesb.org/espi/customer"))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!strcmp(names[i], name) && is_either_space(uri))
            return true;
    return false;
}

size_t espi_grammar_slots(enum espi_kind kind)
{
    static const size_t slots[KIND_COUNT] = {[KIND_USAGE_POINT] = UP_SLOTS,
                                             [KIND_READING_TYPE] = RT_SLOTS,
                                             [KIND_LOCAL_TIME] = LTP_SLOTS,
                                             [KIND_SUMMARY] = SUM_SLOTS};
    return slots[kind];
}

const char *espi_grammar_kind_name(enum espi_kind kind)
{
    static const char *const names[KIND_COUNT] = {"UsagePoint", "MeterReading", "ReadingType",
                                                  "LocalTimeParameters", "UsageSummary"};
    return names[kind];
}
