// Jobs and files in words for people. Pure; what comes from the server is made printable.
#ifndef BITS_CLIENT_CLI_RENDER_H_
#define BITS_CLIENT_CLI_RENDER_H_

#include <absl/time/time.h>

#include <optional>
#include <string>
#include <vector>

#include "bits/v1/error.pb.h"
#include "bits/v1/file.pb.h"
#include "bits/v1/job.pb.h"
#include "client/cli/console.h"

namespace bits::cli {

// As BITS writes it: "TRANSIENT_ERROR"; coloured where `terminal` is.
std::string StateText(v1::Job::State state, const Terminal& terminal);

// "1.2 GiB of 2.7 GiB (45%)" or "1.2 GiB of unknown".
std::string ProgressText(const v1::JobProgress& progress);

// Why the job is not moving: "next try in 9m 12s (12:34:56)"; empty if it moves.
std::string WaitText(const v1::Wait& wait, absl::Time now, absl::TimeZone zone);

// The table of `bitsctl list`, line by line. `widths` keeps the columns of one page for
// the next; empty at first, when there is also a heading.
std::vector<std::string> JobTable(const std::vector<v1::Job>& jobs, bool long_ids,
                                  const Terminal& terminal, std::vector<int>& widths);

// Everything about a job, and the error that it keeps.
std::string JobDetails(const v1::Job& job, const std::optional<v1::Error>& error, absl::Time now,
                       absl::TimeZone zone, const Terminal& terminal);

// One file: a line, and under it where it comes from and what is special. Without `show_urls`
// the URL is shown without what may be a secret: userinfo and query.
std::string FileDetails(const v1::File& file, absl::TimeZone zone, bool show_urls);

}  // namespace bits::cli

#endif  // BITS_CLIENT_CLI_RENDER_H_
