// What a job does not mind in a server's certificate, told to OpenSSL.
#ifndef BITS_SERVER_TRANSFER_TLS_CHECKS_H_
#define BITS_SERVER_TRANSFER_TLS_CHECKS_H_

#include <curl/curl.h>

#include "server/domain/http_options.h"

namespace bits::transfer {

// Whether faults of a certificate's date, issuer or purpose are ignored. libcurl applies that to the
// certificate of an https:// proxy too: such a job must use none.
bool OverlooksFaults(const domain::TlsOptions& tls);

// Sets all but the client certificate. `tls` outlives the request. `crl_file`: the operator's lists;
// empty: revocation is proven by the server's own OCSP answer.
void SetTlsChecks(CURL* easy, const domain::TlsOptions& tls, const std::string& crl_file);

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_TLS_CHECKS_H_
