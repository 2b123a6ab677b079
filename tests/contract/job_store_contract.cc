#include "tests/contract/job_store_contract.h"

#include <utility>

#include "server/store/record.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {

std::string BackendName(const ::testing::TestParamInfo<BackendParam>& info) {
  return info.param.name;
}

JobStoreContract::~JobStoreContract() {
  if (store_ != nullptr) store_->Close();
}

void JobStoreContract::Open(const StoreLimits& limits) {
  if (store_ != nullptr) store_->Close();
  store_.reset();
  store_ = backend_->Open(limits);
}

void JobStoreContract::Insert(domain::Job& job, absl::Time next_timer) {
  BITS_EXPECT_OK(Commit([&](app::Transaction& t) { return t.InsertJob(job, next_timer); }));
}

void JobStoreContract::Update(domain::Job& job, absl::Time next_timer) {
  domain::Job written;
  BITS_EXPECT_OK(Commit([&](app::Transaction& t) {
    written = job;  // the body may be run again
    return t.UpdateJob(written, next_timer);
  }));
  job = written;
}

domain::Job JobStoreContract::InsertQueued(absl::Time now) {
  domain::Job job = QueuedJob(samples_.Id(), "owner", now);
  Insert(job);
  return job;
}

void JobStoreContract::AppendEvents(int count) {
  for (int i = 0; i < count; ++i) {
    app::EventRecord event = samples_.Event();
    BITS_EXPECT_OK(Commit([&](app::Transaction& t) { return t.AppendEvent(event); }));
  }
}

std::vector<domain::Job> JobStoreContract::ListAll(app::JobQuery query, int* pages) {
  std::vector<domain::Job> jobs;
  if (pages != nullptr) *pages = 0;
  while (true) {
    absl::StatusOr<app::JobPage> page = store_->ListJobs(query);
    EXPECT_THAT(page, IsOk());
    if (!page.ok()) return jobs;
    if (pages != nullptr) ++*pages;
    EXPECT_LE(page->jobs.size(), query.limit);
    EXPECT_GE(page->last, query.after);
    if (!page->end) {
      EXPECT_GT(page->last, query.after) << "a page that is not the end moves on";
      if (page->last <= query.after) return jobs;
    }
    for (domain::Job& job : page->jobs) jobs.push_back(std::move(job));
    if (page->end) return jobs;
    query.after = page->last;
  }
}

std::string Dump(app::JobStore& store, const std::vector<domain::JobId>& ids) {
  std::string dump;
  const auto add = [&dump](std::string_view what) {
    dump += what;
    dump += '\n';
  };
  const auto add_ids = [&](const absl::StatusOr<std::vector<domain::JobId>>& list) {
    EXPECT_THAT(list, IsOk());
    for (const domain::JobId& id : *list) add(id);
    add("-");
  };
  app::JobQuery query;
  query.show_final = true;
  query.limit = 1000000;
  const absl::StatusOr<app::JobPage> page = store.ListJobs(query);
  EXPECT_THAT(page, IsOk());
  std::vector<domain::JobId> all = ids;
  for (const domain::Job& job : page->jobs) {
    add(store::EncodeJob(job));
    all.push_back(job.id);
  }
  for (const domain::JobId& id : all) {
    const absl::StatusOr<std::vector<domain::File>> files = store.ListFiles(id, 0, 1000000);
    EXPECT_THAT(files, IsOk());
    for (const domain::File& file : *files) add(store::EncodeFile(file));
    const absl::StatusOr<app::ErrorHistory> history = store.ListErrors(id);
    EXPECT_THAT(history, IsOk());
    for (const domain::Error& error : history->errors) add(store::EncodeError(error));
    for (const auto& [hresult, count] : history->counts) {
      add(std::to_string(hresult) + " " + std::to_string(count));
    }
    add(std::to_string(history->total));
  }
  for (int priority = 0; priority < 4; ++priority) {
    const auto queued = store.ListQueued({static_cast<domain::Priority>(priority), "m", 100, 100},
                                         [](const domain::WaitingJob&) { return false; });
    EXPECT_THAT(queued, IsOk());
    for (const domain::WaitingJob& job : *queued) add(job.id + " " + job.owner);
  }
  add_ids(store.ListDue(absl::FromUnixSeconds(4000000000), 1000000));
  add_ids(store.ListUnsettled("", 1000000));
  add(absl::FormatTime(*store.NextTimer()));
  const app::Revision oldest = *store.OldestCursor();
  add(std::to_string(oldest) + " " + std::to_string(*store.LastRevision()));
  const auto events = store.ListEvents(oldest, 1000000);
  EXPECT_THAT(events, IsOk());
  for (const app::EventRecord& event : *events) add(store::EncodeEvent(event));
  return dump;
}

}  // namespace bits::testing
