// Checks and converts what a request says of HTTP, proxies and credentials. Pure; any thread.
#ifndef BITS_SERVER_RPC_VALIDATE_HTTP_H_
#define BITS_SERVER_RPC_VALIDATE_HTTP_H_

#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "bits/v1/job_service.pb.h"
#include "server/app/job_secrets.h"
#include "server/domain/event.h"
#include "server/domain/job.h"

namespace bits::rpc {

// All as it stands in `job`; secret headers are still among the headers.
absl::StatusOr<domain::HttpOptions> HttpOptionsFrom(const v1::Job& job);
absl::StatusOr<domain::ProxySettings> ProxyFrom(const v1::Job& job);

// Whether a path of an update mask is one of http_options or proxy_settings.
bool IsHttpPath(std::string_view path);
// What the mask names of http_options; nullopt: nothing.
absl::StatusOr<std::optional<domain::HttpUpdate>> HttpUpdateFrom(
    const v1::UpdateJobRequest& request);
bool SelectsProxy(const v1::UpdateJobRequest& request);

// BG_E_INVALID_AUTH_TARGET, BG_E_INVALID_AUTH_SCHEME.
absl::StatusOr<domain::CredentialSlot> SlotFrom(v1::AuthTarget target, v1::AuthScheme scheme);
// Also BG_E_USERNAME_TOO_LARGE, BG_E_PASSWORD_TOO_LARGE, E_INVALIDARG.
absl::StatusOr<app::Credentials> CredentialsFrom(const v1::SetCredentialsRequest& request);

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_VALIDATE_HTTP_H_
