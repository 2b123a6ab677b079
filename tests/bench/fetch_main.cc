// bench_fetch --server=ADDRESS --parallel=N LIST: what curl, wget and aria2c are to their
// lists, this is to bitsd: one job with every URL that the file LIST has a line for, each to
// the last part of its path; waits for it, completes it.
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "bits/client.h"

ABSL_FLAG(std::string, server, "", "where bitsd listens");
ABSL_FLAG(uint32_t, parallel, 0, "files at once; 0: bitsd's default");

namespace bits::bench {
namespace {

absl::Status Wait(const Client& client, const v1::Job& job) {
  WatchOptions options;
  options.filter = FilterForJobs({job});
  const std::unique_ptr<WatchSession> watch = client.WatchJobs(options);
  while (true) {
    absl::StatusOr<WatchEvent> next = watch->Next();
    if (!next.ok()) return next.status();
    const v1::JobEvent& event = next->event;
    if (event.job().name() != job.name()) continue;
    if (event.job().state() == v1::Job::STATE_TRANSFERRED) return absl::OkStatus();
    if (event.job().state() == v1::Job::STATE_ERROR ||
        event.job().state() == v1::Job::STATE_TRANSIENT_ERROR) {
      const absl::StatusOr<v1::Error> error = client.GetError(job.name());
      if (!error.ok()) return error.status();
      return absl::InternalError(error->code() + ": " + error->description());
    }
  }
}

absl::Status Fetch(const std::string& list) {
  const absl::StatusOr<std::shared_ptr<Connection>> connection =
      MakeConnection(absl::GetFlag(FLAGS_server));
  if (!connection.ok()) return connection.status();
  const Client client(*connection);
  v1::CreateJobRequest request;
  request.mutable_job()->set_display_name("benchmark");
  request.mutable_job()->mutable_transfer_options()->set_max_parallel_files(
      absl::GetFlag(FLAGS_parallel));
  request.set_start(true);
  std::ifstream in(list);
  for (std::string url; std::getline(in, url);) {
    v1::File* file = request.add_files();
    file->set_remote_name(url);
    file->set_local_name(url.substr(url.rfind('/') + 1));
  }
  const absl::StatusOr<v1::Job> job = client.CreateJob(request);
  if (!job.ok()) return job.status();
  const absl::Status transferred = Wait(client, *job);
  if (!transferred.ok()) return transferred;
  return client.CompleteJob(job->name()).status();
}

}  // namespace
}  // namespace bits::bench

int main(int argc, char** argv) {
  const auto words = absl::ParseCommandLine(argc, argv);
  if (words.size() != 2) return 2;
  const absl::Status status = bits::bench::Fetch(words[1]);
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
