// Figures of the SQLite store, one JSON line each; a program to run by hand.
//   store_bench commits DIR WRITERS SECONDS   what CreateJob commits, by so many writers
//   store_bench fill DIR JOBS                 so many queued jobs, with a file each
//   store_bench open DIR                      opening, recovery's reads, pages, memory
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "server/base/status_macros.h"
#include "server/store/sqlite/sqlite_job_store.h"
#include "tests/contract/samples.h"

namespace bits::testing {
namespace {

using store::SqliteJobStore;

std::unique_ptr<SqliteJobStore> OpenOrDie(const std::string& directory) {
  SqliteJobStore::Options options;
  options.state_directory = directory;
  auto store = SqliteJobStore::Open(options);
  if (!store.ok()) {
    std::fprintf(stderr, "%s\n", store.status().ToString().c_str());
    std::exit(1);
  }
  return *std::move(store);
}

long ResidentKib() {
  std::ifstream statm("/proc/self/statm");
  long total = 0;
  long resident = 0;
  statm >> total >> resident;
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

struct NewJob {
  domain::Job job;
  domain::File file;
  app::RequestRecord request;
};

NewJob MakeJob(Samples& samples, uint64_t n) {
  NewJob made;
  const absl::Time now = absl::Now();
  made.job = QueuedJob(samples.Id(),
                       "spiffe://cluster/ns/default/sa/owner-" + std::to_string(n % 50), now);
  made.job.display_name = "nightly copy " + std::to_string(n);
  made.job.labels = {{"batch", std::to_string(n / 1000)}, {"team", "storage"}};
  made.job.progress.files_total = made.job.progress.files_unsized = 1;
  made.file.ordinal = 1;
  made.file.remote_name = "https://origin.example/data/2026/01/part-" + std::to_string(n);
  made.file.local_name = "data/2026/01/" + made.job.id;
  made.file.path = "/srv/bits/data/2026/01/" + made.job.id;
  made.file.temporary_path = made.file.path + ".bits-" + made.job.id;
  made.request.principal = made.job.owner;
  made.request.request_id = samples.Id();
  made.request.fingerprint = std::string(32, 'f');
  made.request.job = made.job.id;
  made.request.time = now;
  return made;
}

absl::Status Create(app::Transaction& t, NewJob& n) {
  BITS_ASSIGN_OR_RETURN(const auto found, t.FindRequest(n.request.principal, n.request.request_id,
                                                        n.request.time - absl::Hours(24)));
  if (found.has_value()) return absl::AlreadyExistsError("again");
  app::EventRecord event;
  event.kind = domain::ChangeKind::kCreated;
  event.time = n.job.create_time;
  event.job = n.job;
  BITS_RETURN_IF_ERROR(t.AppendEvent(event));
  n.job.revision = event.revision;
  BITS_RETURN_IF_ERROR(t.InsertJob(n.job, n.job.create_time + absl::Hours(24 * 90)));
  BITS_RETURN_IF_ERROR(t.ReserveDestination(n.file.path, n.job.id));
  BITS_RETURN_IF_ERROR(t.PutFile(n.job.id, n.file));
  return t.PutRequest(n.request);
}

// Keeps `writers` commits under way until `more` says no; gives how many were stored.
uint64_t Run(app::JobStore& store, int writers, const std::function<bool()>& more) {
  std::atomic<uint64_t> stored = 0;
  std::atomic<uint64_t> number = static_cast<uint64_t>(absl::ToUnixMicros(absl::Now()));
  std::atomic<int> running = writers;
  Samples samples(static_cast<uint64_t>(absl::ToUnixNanos(absl::Now())));  // under `mutex`
  std::mutex mutex;
  std::condition_variable done;
  std::function<void()> next = [&] {
    if (!more()) {
      std::lock_guard lock(mutex);
      if (--running == 0) done.notify_all();
      return;
    }
    std::shared_ptr<NewJob> job;
    {
      std::lock_guard lock(mutex);
      job = std::make_shared<NewJob>(MakeJob(samples, ++number));
    }
    store.Commit([job](app::Transaction& t) { return Create(t, *job); },
                 [&](absl::Status status) {
                   if (!status.ok()) {
                     std::fprintf(stderr, "%s\n", status.ToString().c_str());
                     std::exit(1);
                   }
                   ++stored;
                   next();
                 });
  };
  for (int i = 0; i < writers; ++i) next();
  std::unique_lock lock(mutex);
  done.wait(lock, [&] { return running == 0; });
  return stored;
}

void Commits(const std::string& directory, int writers, int seconds) {
  auto store = OpenOrDie(directory);
  const absl::Time start = absl::Now();
  const absl::Time end = start + absl::Seconds(seconds);
  const uint64_t stored = Run(*store, writers, [end] { return absl::Now() < end; });
  std::printf("{\"writers\": %d, \"per_second\": %.0f, \"resident_kib\": %ld}\n", writers,
              static_cast<double>(stored) / absl::ToDoubleSeconds(absl::Now() - start),
              ResidentKib());
}

void Fill(const std::string& directory, uint64_t jobs) {
  auto store = OpenOrDie(directory);
  std::atomic<uint64_t> left = jobs + 1;
  const absl::Time start = absl::Now();
  Run(*store, 1024, [&] { return left.load() > 0 && --left > 0; });
  std::printf("{\"filled\": %llu, \"per_second\": %.0f, \"resident_kib\": %ld}\n",
              static_cast<unsigned long long>(jobs),
              static_cast<double>(jobs) / absl::ToDoubleSeconds(absl::Now() - start),
              ResidentKib());
}

void Time(const char* what, int times, const std::function<void()>& run) {
  std::vector<double> ms;
  for (int i = 0; i < times; ++i) {
    const absl::Time start = absl::Now();
    run();
    ms.push_back(absl::ToDoubleMilliseconds(absl::Now() - start));
  }
  const double first = ms.front();
  std::sort(ms.begin(), ms.end());
  std::printf("{\"what\": \"%s\", \"first_ms\": %.2f, \"median_ms\": %.2f, \"worst_ms\": %.2f}\n",
              what, first, ms[ms.size() / 2], ms.back());
}

template <typename T>
T OrDie(absl::StatusOr<T> value) {
  if (!value.ok()) {
    std::fprintf(stderr, "%s\n", value.status().ToString().c_str());
    std::exit(1);
  }
  return *std::move(value);
}

domain::JobFilter Compare(domain::FilterField field,
                          std::variant<int64_t, std::string, absl::Time> value) {
  domain::JobFilter filter;
  filter.kind = domain::JobFilter::Kind::kComparison;
  filter.comparison.field = field;
  filter.comparison.value = std::move(value);
  filter.comparison.label_key = "batch";
  return filter;
}

void OpenAndRead(const std::string& directory) {
  std::unique_ptr<SqliteJobStore> store;
  Time("open", 1, [&] { store = OpenOrDie(directory); });
  Time("recovery: unsettled, due, next timer, queued x 1000", 1, [&] {
    OrDie(store->ListUnsettled("", 1000));
    OrDie(store->ListDue(absl::Now(), 1000));
    OrDie(store->NextTimer());
    for (int priority = 0; priority < 4; ++priority) {
      OrDie(store->ListQueued({static_cast<domain::Priority>(priority), "", 16, 256},
                              [](const domain::WaitingJob&) { return false; }));
    }
    OrDie(store->LastRevision());
    OrDie(store->OldestCursor());
  });
  std::printf("{\"what\": \"resident after open\", \"kib\": %ld}\n", ResidentKib());
  const auto pages = [&](const char* what, app::JobQuery query) {
    query.limit = 100;
    size_t jobs = 0;
    Time(what, 200, [&] {
      const app::JobPage page = OrDie(store->ListJobs(query));
      jobs += page.jobs.size();
      query.after = page.end ? 0 : page.last;
    });
    std::printf("  jobs per page: %.1f\n", static_cast<double>(jobs) / 200);
  };
  pages("page: all", {});
  app::JobQuery query;
  query.after = 500000;
  pages("page: all, from the middle", query);
  query = {};
  query.show_final = true;
  pages("page: all, final too", query);
  query = {};
  query.owner = "spiffe://cluster/ns/default/sa/owner-7";
  pages("page: of an owner", query);
  query = {};
  query.filter = Compare(domain::FilterField::kState, int64_t{0});
  pages("page: QUEUED", query);
  query.filter = Compare(domain::FilterField::kState, int64_t{4});
  pages("page: ERROR (none)", query);
  query.filter =
      Compare(domain::FilterField::kOwner, std::string("spiffe://cluster/ns/default/sa/owner-7"));
  pages("page: owner by filter", query);
  query.filter = Compare(domain::FilterField::kDisplayName, std::string("none"));
  pages("page: display_name (none)", query);
  query.filter = Compare(domain::FilterField::kLabel, std::string("none"));
  pages("page: label (none)", query);
  query.filter = Compare(domain::FilterField::kErrorCount, int64_t{5});
  pages("page: error_count (none)", query);
  std::printf("{\"what\": \"resident at the end\", \"kib\": %ld}\n", ResidentKib());
}

int Main(int argc, char** argv) {
  const std::string what = argc > 2 ? argv[1] : "";
  if (what == "commits" && argc == 5) {
    Commits(argv[2], std::atoi(argv[3]), std::atoi(argv[4]));
  } else if (what == "fill" && argc == 4) {
    Fill(argv[2], std::strtoull(argv[3], nullptr, 10));
  } else if (what == "open" && argc == 3) {
    OpenAndRead(argv[2]);
  } else {
    std::fprintf(stderr,
                 "usage: store_bench commits DIR WRITERS SECONDS | fill DIR JOBS | open DIR\n");
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace bits::testing

int main(int argc, char** argv) { return bits::testing::Main(argc, argv); }
