// The part of the contract that is about outboxes.
#ifndef BITS_TESTS_CONTRACT_OUTBOX_CONTRACT_H_
#define BITS_TESTS_CONTRACT_OUTBOX_CONTRACT_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/base/status_macros.h"
#include "server/store/record.h"
#include "tests/contract/job_store_contract.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {

class OutboxContract : public JobStoreContract {
 public:
  static absl::Time Now() { return absl::FromUnixSeconds(1'800'000'000); }

 protected:
  app::NotificationRecord Sample(uint64_t number, absl::Time next_try = Now(), bool given_up = false) {
    app::NotificationRecord record;
    record.number = number;
    record.flag = domain::NotifyFlag::kFileTransferred;
    record.event = samples().Event();
    record.given_up = given_up;
    record.tries = static_cast<uint32_t>(samples().Below(100));
    record.next_try = next_try;
    if (samples().OneIn(2)) record.error = samples().Error();
    return record;
  }
  domain::JobId InsertJobOf(const std::string& owner) {
    domain::Job job = QueuedJob(samples().Id(), owner, absl::UnixEpoch());
    Insert(job);
    return job.id;
  }
  void Put(const domain::JobId& id, const app::NotificationRecord& record) {
    BITS_EXPECT_OK(Commit([&](app::Transaction& t) { return t.PutNotification(id, record); }));
  }
  uint32_t Count(const domain::JobId& id) {
    uint32_t count = 0;
    BITS_EXPECT_OK(Commit([&](app::Transaction& t) -> absl::Status {
      BITS_ASSIGN_OR_RETURN(count, t.CountNotifications(id));
      return absl::OkStatus();
    }));
    return count;
  }
  std::vector<std::string> Encoded(const domain::JobId& id, uint64_t after = 0,
                                   uint32_t limit = 100) {
    std::vector<std::string> all;
    const auto listed = store().ListNotifications(id, after, limit);
    EXPECT_THAT(listed, IsOk());
    for (const app::NotificationRecord& record : *listed) {
      all.push_back(store::EncodeNotification(record));
    }
    return all;
  }
  std::vector<app::DueOutbox> Due(const app::DueQuery& query) {
    const auto due = store().ListDueOutboxes(query);
    EXPECT_THAT(due, IsOk());
    return *due;
  }
};

}  // namespace bits::testing

#endif  // BITS_TESTS_CONTRACT_OUTBOX_CONTRACT_H_
