#include "server/store/memory/memory_job_store.h"
#include "tests/contract/outbox_contract.h"

namespace bits::testing {
namespace {

class MemoryBackend final : public JobStoreBackend {
 public:
  explicit MemoryBackend(bool run_twice) : run_twice_(run_twice) {}

  std::unique_ptr<app::JobStore> Open(const StoreLimits& limits) override {
    store::MemoryJobStore::Options options;
    options.run_twice = run_twice_;
    options.queue_capacity = limits.queue_capacity;
    options.events_kept = limits.events_kept;
    options.rows_per_page = limits.rows_per_page;
    return std::make_unique<store::MemoryJobStore>(options);
  }
  bool durable() const override { return false; }

 private:
  const bool run_twice_;
};

std::unique_ptr<JobStoreBackend> MakePlain() { return std::make_unique<MemoryBackend>(false); }
std::unique_ptr<JobStoreBackend> MakeTwice() { return std::make_unique<MemoryBackend>(true); }

const auto kMemoryBackends = ::testing::Values(BackendParam{"Plain", &MakePlain},
                                               BackendParam{"RunsBodiesTwice", &MakeTwice});
INSTANTIATE_TEST_SUITE_P(Memory, JobStoreContract, kMemoryBackends, BackendName);
INSTANTIATE_TEST_SUITE_P(Memory, OutboxContract, kMemoryBackends, BackendName);

}  // namespace
}  // namespace bits::testing
