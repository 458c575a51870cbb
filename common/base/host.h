/* The name of this machine. */
#ifndef METERBEAT_BASE_HOST_H
#define METERBEAT_BASE_HOST_H

#define HOST_NAME 128

/* The host name in printable ASCII, truncated to fit; "localhost" if there is none. Returns out.
 * Any thread. */
const char *host_name(char out[HOST_NAME]);

#endif
