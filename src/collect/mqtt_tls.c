/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/mqtt_tls.h"

#include <errno.h>
#include <mosquitto.h>
#include <string.h>
#include <unistd.h>

#define SYSTEM_CERTIFICATES "/etc/ssl/certs"
#define VERIFY_PEER 1 /* SSL_VERIFY_PEER */

#define CUT_OFF                                                                                \
    "the broker ended the connection before TLS was set up: does it speak TLS on this port, "  \
    "does it want a client certificate?"

/* What OpenSSL or the library says, and what that means. */
static const struct {
    const char *said;
    const char *means;
} reasons[] = {
    {"host name",                 "the broker's certificate is for another host name than this line's host"  },
    {"certificate verify failed",
     "the broker's certificate is not signed by a known authority: check the CA file"                        },
    {"CA certificates",           "the CA file holds no certificate: it must be in PEM form"                 },
    {"client certificate",        "the client certificate cannot be used: it must be in PEM form"            },
    {"client key",                "the client key cannot be used: it must belong to the client certificate, "
                   "in PEM form, without a password"                                       },
    {"certificate required",      "the broker wants a client certificate"                                    },
    {"handshake failure",
     "the broker refuses the TLS connection; does it want a client certificate?"                             },
    {"unknown ca",                "the broker does not know the authority that signed the client certificate"},
    {"wrong version number",      "the broker does not speak TLS on this port"                               },
    {"unexpected eof",            CUT_OFF                                                                    },
};

const char *hyp_mqtt_tls_reason(const char *said)
{
    for (size_t i = 0; i < HYP_ARRAY_LEN(reasons); i++) {
        if (strstr(said, reasons[i].said) != NULL) {
            return reasons[i].means;
        }
    }
    return said[0] != '\0' ? said : CUT_OFF;
}

/* OpenSSL would ask for the password of a key at the terminal. */
static int no_password(char *buf, int size, int rwflag, void *user)
{
    (void)rwflag;
    (void)user;
    if (size > 0) {
        buf[0] = '\0';
    }
    return 0;
}

static enum hyp_status check_file(const char *path, const char *what, struct hyp_error *err)
{
    if (path[0] == '\0' || access(path, R_OK) == 0) {
        return HYP_OK;
    }
    return hyp_error_set(err, HYP_NOT_FOUND, -1, "the %s %s cannot be read: %s", what, path,
                         strerror(errno));
}

enum hyp_status hyp_mqtt_tls_set_up(struct mosquitto *client,
                                    const struct hyp_wire_settings *settings,
                                    struct hyp_error *err)
{
    enum hyp_status status =
        check_file(hyp_wire_text(settings, HYP_WIRE_CA_FILE), "CA file", err);
    if (status == HYP_OK) {
        status =
            check_file(hyp_wire_text(settings, HYP_WIRE_CERT_FILE), "client certificate", err);
    }
    if (status == HYP_OK) {
        status = check_file(hyp_wire_text(settings, HYP_WIRE_KEY_FILE), "client key", err);
    }
    if (status != HYP_OK) {
        return status;
    }
    bool own = hyp_wire_text(settings, HYP_WIRE_CA_FILE)[0] != '\0';
    bool certified = hyp_wire_text(settings, HYP_WIRE_CERT_FILE)[0] != '\0';
    int rc = mosquitto_tls_set(client, own ? hyp_wire_text(settings, HYP_WIRE_CA_FILE) : NULL,
                               own ? NULL : SYSTEM_CERTIFICATES,
                               certified ? hyp_wire_text(settings, HYP_WIRE_CERT_FILE) : NULL,
                               certified ? hyp_wire_text(settings, HYP_WIRE_KEY_FILE) : NULL,
                               no_password);
    if (rc == MOSQ_ERR_SUCCESS) {
        rc = mosquitto_tls_opts_set(client, VERIFY_PEER, NULL, NULL);
    }
    return rc == MOSQ_ERR_SUCCESS
               ? HYP_OK
               : hyp_error_set(err, HYP_INVALID, -1, "the TLS settings cannot be used: %s",
                               mosquitto_strerror(rc));
}
