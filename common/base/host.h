/* What this machine is called. */
#ifndef METERBEAT_BASE_HOST_H
#define METERBEAT_BASE_HOST_H

#define HOST_NAME 128

/* The machine's own name in printable ASCII, cut to fit, "localhost" when it has none; returns out.
 * Any thread. */
const char *host_name(char out[HOST_NAME]);

#endif
