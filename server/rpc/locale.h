// The languages in which bitsd has texts. Pure; any thread.
#ifndef BITS_SERVER_RPC_LOCALE_H_
#define BITS_SERVER_RPC_LOCALE_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "server/domain/language.h"

namespace bits::rpc {

// English for `en`, every `en-…` and nothing; German for `de` and every `de-…`. INVALID_ARGUMENT
// (E_INVALIDARG) if `code`, the request's `field`, is not of the form of BCP 47;
// FAILED_PRECONDITION (ERROR_RESOURCE_LANG_NOT_FOUND) if there are no texts in that language.
absl::StatusOr<domain::Language> LanguageFrom(std::string_view code, std::string_view field);

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_LOCALE_H_
