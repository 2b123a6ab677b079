// The languages in which bitsd has texts. Pure; any thread.
#ifndef BITS_SERVER_RPC_LOCALE_H_
#define BITS_SERVER_RPC_LOCALE_H_

#include <string_view>

#include "absl/status/status.h"

namespace bits::rpc {

// OK for `en`, every `en-…`, and empty, which is English. INVALID_ARGUMENT (E_INVALIDARG) if
// `code`, the request's `field`, is not of the form of BCP 47; FAILED_PRECONDITION
// (ERROR_RESOURCE_LANG_NOT_FOUND) if there are no texts in that language.
absl::Status CheckLanguage(std::string_view code, std::string_view field);

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_LOCALE_H_
