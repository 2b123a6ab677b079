#include <cstdio>
#include <cstdlib>
#include <vector>

#include "server/store/sqlite/sqlite_job_store.h"
#include "tests/contract/outbox_contract.h"
#include "tests/support/temp_dir.h"

namespace bits::testing {
namespace {

using store::Migration;
using store::SqliteJobStore;

// `old_version`: the database is first made with so many of the migrations; 0: it is new.
class SqliteBackend final : public JobStoreBackend {
 public:
  SqliteBackend(std::vector<Migration> migrations, size_t old_version)
      : migrations_(std::move(migrations)) {
    if (old_version == 0) return;
    SqliteJobStore::Options options;
    options.state_directory = directory_.path();
    options.migrations = std::span(migrations_).first(old_version);
    OpenOrDie(options)->Close();
  }

  std::unique_ptr<app::JobStore> Open(const StoreLimits& limits) override {
    SqliteJobStore::Options options;
    options.state_directory = directory_.path();
    options.rows_per_page = limits.rows_per_page;
    options.writer.queue_capacity = limits.queue_capacity;
    options.writer.events_kept = limits.events_kept;
    options.migrations = migrations_;
    return OpenOrDie(options);
  }

  bool durable() const override { return true; }

 private:
  static std::unique_ptr<SqliteJobStore> OpenOrDie(const SqliteJobStore::Options& options) {
    absl::StatusOr<std::unique_ptr<SqliteJobStore>> store = SqliteJobStore::Open(options);
    if (!store.ok()) {
      std::fprintf(stderr, "%s\n", store.status().ToString().c_str());
      std::abort();
    }
    return *std::move(store);
  }

  TempDir directory_;
  const std::vector<Migration> migrations_;
};

std::vector<Migration> Released() {
  return {store::Migrations().begin(), store::Migrations().end()};
}

std::unique_ptr<JobStoreBackend> MakeNew() {
  return std::make_unique<SqliteBackend>(Released(), 0);
}

// From the first version through all. The last migration is made up, so that there is one.
std::unique_ptr<JobStoreBackend> MakeUpgraded() {
  std::vector<Migration> migrations = Released();
  migrations.push_back("CREATE TABLE of_the_future (id INTEGER PRIMARY KEY) STRICT;");
  return std::make_unique<SqliteBackend>(std::move(migrations), 1);
}

const auto kBackends = ::testing::Values(BackendParam{"New", &MakeNew},
                                         BackendParam{"Upgraded", &MakeUpgraded});
INSTANTIATE_TEST_SUITE_P(Sqlite, JobStoreContract, kBackends, BackendName);
INSTANTIATE_TEST_SUITE_P(Sqlite, OutboxContract, kBackends, BackendName);
INSTANTIATE_TEST_SUITE_P(Sqlite, DurableJobStoreContract, kBackends, BackendName);

}  // namespace
}  // namespace bits::testing
