// What a user writes for a job: `jobs/UUID`, the UUID, the beginning of one, or a
// display name.
#ifndef BITS_CLIENT_CLI_JOB_REF_H_
#define BITS_CLIENT_CLI_JOB_REF_H_

#include <absl/status/statusor.h>

#include <optional>
#include <string>

#include "bits/client.h"

namespace bits::cli {

// The resource name, where `text` says it whole: `jobs/UUID` or UUID, in any case.
std::optional<std::string> JobNameFrom(const std::string& text);

// Whether `text` can be the beginning of a UUID: 4 to 36 of 0-9, a-f and dashes.
bool IsIdPrefix(const std::string& text);

// The resource name of the job that `text` means. A whole name is not looked up.
// Live jobs come before final ones: these are meant only where no live one is; and one's own before
// those of others, which only an administrator sees.
// kNotFound if there is none; kFailedPrecondition, naming them, if there are several.
absl::StatusOr<std::string> ResolveJob(const Client& client, const std::string& text);

// `literal` for the language of filters: quoted.
std::string QuoteForFilter(const std::string& literal);

// {job} of `jobs/{job}`.
std::string JobId(const std::string& name);

}  // namespace bits::cli

#endif  // BITS_CLIENT_CLI_JOB_REF_H_
