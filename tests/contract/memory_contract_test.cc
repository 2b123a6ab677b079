#include "server/store/memory/memory_job_store.h"
#include "tests/contract/job_store_contract.h"

namespace bits::testing {
namespace {

class MemoryBackend final : public JobStoreBackend {
 public:
  std::unique_ptr<app::JobStore> Open(const StoreLimits& limits) override {
    store::MemoryJobStore::Options options;
    options.queue_capacity = limits.queue_capacity;
    options.events_kept = limits.events_kept;
    options.rows_per_page = limits.rows_per_page;
    return std::make_unique<store::MemoryJobStore>(options);
  }
  bool durable() const override { return false; }
};

std::unique_ptr<JobStoreBackend> Make() { return std::make_unique<MemoryBackend>(); }

INSTANTIATE_TEST_SUITE_P(Memory, JobStoreContract, ::testing::Values(BackendParam{"Memory", &Make}),
                         BackendName);

}  // namespace
}  // namespace bits::testing
