// Failures of a try, as the engine tells them.
#ifndef BITS_SERVER_TRANSFER_FAILURE_H_
#define BITS_SERVER_TRANSFER_FAILURE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "server/domain/error.h"

namespace bits::transfer {

// The origin, or the way there.
domain::Failure RemoteFailure(domain::Hresult hresult, std::string detail,
                              uint32_t http_status = 0);

// The temporary file. `status` is the FileSystem's.
domain::Failure LocalFailure(const absl::Status& status);
// The source of a file:// transfer, which is the remote file.
domain::Failure SourceFailure(const absl::Status& status);

// What libcurl gave up with. `curl_code` is a CURLcode, `os_error` the errno it saw (0: none),
// `text` what it says, which holds no secrets once the URL was found to be valid.
domain::Failure CurlFailure(int curl_code, long os_error, std::string text, uint32_t http_status);

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_FAILURE_H_
