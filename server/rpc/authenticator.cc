#include "server/rpc/authenticator.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "server/base/error_info.h"

namespace bits::rpc {
namespace {

constexpr char kPrincipalKey[] = "x-bits-principal";
constexpr char kAdministratorKey[] = "x-bits-administrator";
constexpr size_t kLongestPrincipal = 256;

absl::Status NotSoNamed(std::string_view why) {
  return MakeRefusal(absl::StatusCode::kUnauthenticated, "E_ACCESSDENIED", why);
}

bool IsPrincipalName(std::string_view name) {
  const auto printable = [](char c) { return c > ' ' && c <= '~'; };
  return !name.empty() && name.size() <= kLongestPrincipal &&
         std::all_of(name.begin(), name.end(), printable);
}

}  // namespace

absl::StatusOr<app::Principal> DevelopmentAuthenticator::Authenticate(
    const grpc::CallbackServerContext& context) const {
  const auto& metadata = context.client_metadata();
  const auto value = [&](const char* key) -> std::optional<std::string_view> {
    const auto it = metadata.find(key);
    if (it == metadata.end()) return std::nullopt;
    return std::string_view(it->second.data(), it->second.size());
  };
  if (metadata.count(kPrincipalKey) > 1 || metadata.count(kAdministratorKey) > 1) {
    return NotSoNamed("x-bits-principal and x-bits-administrator may be given once each.");
  }
  const std::optional<std::string_view> name = value(kPrincipalKey);
  const std::optional<std::string_view> administrator = value(kAdministratorKey);
  if (!name.has_value()) {
    if (administrator.has_value()) {
      return NotSoNamed("x-bits-administrator needs x-bits-principal beside it.");
    }
    return app::Principal{"local", true};
  }
  if (!IsPrincipalName(*name)) {
    return NotSoNamed("x-bits-principal must be 1 to 256 characters of printable ASCII.");
  }
  if (administrator.has_value() && *administrator != "true" && *administrator != "false") {
    return NotSoNamed("x-bits-administrator must be true or false.");
  }
  return app::Principal{std::string(*name), administrator == "true"};
}

}  // namespace bits::rpc
