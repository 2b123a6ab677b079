#include "tests/contract/commit_and_wait.h"

#include <future>
#include <memory>
#include <utility>

namespace bits::testing {

absl::Status CommitAndWait(app::JobStore& store, app::JobStore::Body body) {
  // Shared: the promise must outlive the callback's return, which is after the wake-up.
  auto outcome = std::make_shared<std::promise<absl::Status>>();
  std::future<absl::Status> future = outcome->get_future();
  store.Commit(std::move(body), [outcome](absl::Status s) { outcome->set_value(std::move(s)); });
  return future.get();
}

}  // namespace bits::testing
