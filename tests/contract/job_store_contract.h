// The contract of app::JobStore as tests: every sentence of job_store.h, for every backend.
//
// To add a backend:
//   1. Write a class derived from JobStoreBackend: it opens a store that no other test sees.
//   2. In a file of its own, <backend>_contract_test.cc:
//        INSTANTIATE_TEST_SUITE_P(Postgres, JobStoreContract,
//                                 ::testing::Values(BackendParam{"Postgres", &MakeBackend}),
//                                 BackendName);
//      One parameter for each way to come by a store: fresh, upgraded from an older schema.
//   3. Add the file to store_contract_test in CMakeLists.txt.
// What only one backend promises (files, locks, schemas) is tested in tests/unit/store and
// tests/fault/store.
#ifndef BITS_TESTS_CONTRACT_JOB_STORE_CONTRACT_H_
#define BITS_TESTS_CONTRACT_JOB_STORE_CONTRACT_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/app/ports/job_store.h"
#include "tests/contract/commit_and_wait.h"
#include "tests/contract/samples.h"

namespace bits::testing {

struct StoreLimits {
  size_t queue_capacity = 8192;
  uint64_t events_kept = 100000;
  uint32_t rows_per_page = 5000;
};

// One place where jobs are stored, for one test.
class JobStoreBackend {
 public:
  virtual ~JobStoreBackend() = default;
  // Opens it; not while an earlier store of it is open. A failure ends the program.
  virtual std::unique_ptr<app::JobStore> Open(const StoreLimits& limits) = 0;
  // Whether what was acknowledged is there when it is opened anew.
  virtual bool durable() const = 0;
};

struct BackendParam {
  std::string name;
  std::unique_ptr<JobStoreBackend> (*make)();
};
inline void PrintTo(const BackendParam& param, std::ostream* out) { *out << param.name; }
std::string BackendName(const ::testing::TestParamInfo<BackendParam>& info);

class JobStoreContract : public ::testing::TestWithParam<BackendParam> {
 protected:
  JobStoreContract() : backend_(GetParam().make()), samples_(kSeed) { Open({}); }
  ~JobStoreContract() override;

  // Closes the store and opens it anew: empty, if the backend is not durable.
  void Open(const StoreLimits& limits);
  bool durable() const { return backend_->durable(); }
  app::JobStore& store() { return *store_; }
  Samples& samples() { return samples_; }

  absl::Status Commit(app::JobStore::Body body) { return CommitAndWait(*store_, std::move(body)); }
  // Expect it to be stored. `job` gets its version.
  void Insert(domain::Job& job, absl::Time next_timer = absl::InfiniteFuture());
  void Update(domain::Job& job, absl::Time next_timer = absl::InfiniteFuture());
  // A new job of "owner", QUEUED and inserted.
  domain::Job InsertQueued(absl::Time now = absl::UnixEpoch());
  // Appends so many events, each in a transaction of its own.
  void AppendEvents(int count);

  // All jobs, page by page. Expects every page to keep what JobPage says.
  std::vector<domain::Job> ListAll(app::JobQuery query, int* pages = nullptr);

 private:
  static constexpr uint64_t kSeed = 20260131;

  std::unique_ptr<JobStoreBackend> backend_;
  std::unique_ptr<app::JobStore> store_;
  Samples samples_;
};

// What only those stores promise that outlive their process.
class DurableJobStoreContract : public JobStoreContract {};

// Everything that a store tells, as text: equal for equal contents. `ids`: the jobs to ask for
// beside those listed.
std::string Dump(app::JobStore& store, const std::vector<domain::JobId>& ids);

}  // namespace bits::testing

#endif  // BITS_TESTS_CONTRACT_JOB_STORE_CONTRACT_H_
