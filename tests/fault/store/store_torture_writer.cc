// Writes to a SQLite store with many threads until it is killed, and tells of each commit
// that was acknowledged.
//   store_torture_writer DIRECTORY SEED ROUND NUMBER,NUMBER,...   (each writer's next request)
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "server/base/status_macros.h"
#include "server/store/sqlite/sqlite_job_store.h"
#include "tests/contract/commit_and_wait.h"
#include "tests/fault/store/torture_job.h"

namespace bits::testing {
namespace {

constexpr int kAckFd = 3;

[[noreturn]] void Die(const absl::Status& status) {
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(1);
}

void Acknowledge(const TortureRequest& request, uint64_t version) {
  const TortureAck ack = {request.writer, request.number, static_cast<uint32_t>(version)};
  if (write(kAckFd, &ack, sizeof(ack)) != sizeof(ack)) Die(absl::UnknownError("the pipe"));
}

void Write(app::JobStore& store, TortureRequest request, uint32_t round) {
  for (;; ++request.number) {
    domain::Job job;
    absl::Status status = CommitAndWait(store, [&](app::Transaction& t) -> absl::Status {
      BITS_ASSIGN_OR_RETURN(job, CreateTortureJob(t, request, TortureJobId(request, round)));
      return absl::OkStatus();
    });
    if (!status.ok()) Die(status);
    Acknowledge(request, job.version);
    if (job.version > 1) continue;
    status = CommitAndWait(store, [&](app::Transaction& t) { return ChangeTortureJob(t, job.id); });
    if (!status.ok()) Die(status);
    Acknowledge(request, 2);
  }
}

int Main(int argc, char** argv) {
  if (argc != 5) return 2;
  store::SqliteJobStore::Options options;
  options.state_directory = argv[1];
  options.writer.events_kept = uint64_t{1} << 40;
  options.writer.checkpoint_bytes = 1 << 20;  // often, so that kills meet it
  auto store = store::SqliteJobStore::Open(options);
  if (!store.ok()) Die(store.status());
  const uint64_t seed = std::strtoull(argv[2], nullptr, 10);
  const auto round = static_cast<uint32_t>(std::atoi(argv[3]));
  std::istringstream numbers(argv[4]);
  std::vector<std::thread> writers;
  std::string number;
  while (std::getline(numbers, number, ',')) {
    const TortureRequest next = {seed, static_cast<uint32_t>(writers.size()),
                                 static_cast<uint32_t>(std::stoul(number))};
    writers.emplace_back([&store, next, round] { Write(**store, next, round); });
  }
  for (std::thread& writer : writers) writer.join();
  return 0;
}

}  // namespace
}  // namespace bits::testing

int main(int argc, char** argv) { return bits::testing::Main(argc, argv); }
