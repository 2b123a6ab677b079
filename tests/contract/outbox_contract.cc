// What a store keeps to be told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/base/status_macros.h"
#include "server/store/record.h"
#include "tests/contract/outbox_contract.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using absl::StatusCode;
using app::DueOutbox;
using app::NotificationRecord;
using app::Transaction;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kNow = OutboxContract::Now();

std::string E(const NotificationRecord& record) { return store::EncodeNotification(record); }

TEST_P(OutboxContract, IsReadAsItWasWrittenInOrder) {
  const domain::JobId a = InsertJobOf("o");
  const domain::JobId b = InsertJobOf("o");
  const NotificationRecord one = Sample(1);
  const NotificationRecord two = Sample(2, kNow, true);
  const NotificationRecord ten = Sample(10);
  Put(a, ten);
  Put(a, one);
  Put(a, two);
  Put(b, Sample(3));
  EXPECT_THAT(Encoded(a), ElementsAre(E(one), E(two), E(ten)));
  EXPECT_EQ((*store().ListNotifications(a, 1, 1)).front(), two);
  EXPECT_THAT(Encoded(a, 10), IsEmpty());
  EXPECT_THAT(Encoded(samples().Id()), IsEmpty());
  EXPECT_EQ(Count(a), 3u);
  BITS_EXPECT_OK(Commit([&](Transaction& t) -> absl::Status {
    EXPECT_EQ(*t.GetNotification(a, 10), ten);
    EXPECT_EQ(*t.FirstPendingNotification(a), one);
    EXPECT_THAT(t.GetNotification(a, 3), HasCode(StatusCode::kNotFound));
    return absl::OkStatus();
  }));
  NotificationRecord other = Sample(1, kNow + absl::Seconds(1), true);
  Put(a, other);
  EXPECT_THAT(Encoded(a), ElementsAre(E(other), E(two), E(ten)));
  EXPECT_EQ(Count(a), 3u);
  if (!durable()) return;
  Open({});
  EXPECT_THAT(Encoded(a), ElementsAre(E(other), E(two), E(ten)));
}

TEST_P(OutboxContract, WhatIsDeletedIsGoneAndNothingElse) {
  const domain::JobId a = InsertJobOf("o");
  const domain::JobId b = InsertJobOf("o");
  for (uint64_t n = 1; n <= 3; ++n) Put(a, Sample(n));
  Put(b, Sample(1));
  BITS_EXPECT_OK(Commit([&](Transaction& t) -> absl::Status {
    BITS_RETURN_IF_ERROR(t.DeleteNotification(a, 2));
    BITS_RETURN_IF_ERROR(t.DeleteNotification(a, 2));
    return t.DeleteNotification(samples().Id(), 1);
  }));
  EXPECT_EQ(Count(a), 2u);
  EXPECT_EQ(Encoded(a).size(), 2u);
  BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.DeleteNotifications(a); }));
  EXPECT_EQ(Count(a), 0u);
  EXPECT_EQ(Encoded(b).size(), 1u);
  EXPECT_THAT(Due({.now = kNow, .owners = 9, .per_owner = 9}), ElementsAre(DueOutbox{b, "o"}));
  BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.DeleteJob(b); }));
  EXPECT_THAT(Encoded(b), IsEmpty());
  EXPECT_THAT(Due({.now = kNow, .owners = 9, .per_owner = 9}), IsEmpty());
  EXPECT_EQ(*store().NextOutbox(absl::UnixEpoch()), absl::InfiniteFuture());
}

TEST_P(OutboxContract, NothingOfABodyThatFailsRemains) {
  const domain::JobId a = InsertJobOf("o");
  const NotificationRecord one = Sample(1);
  Put(a, one);
  EXPECT_THAT(Commit([&](Transaction& t) -> absl::Status {
                BITS_RETURN_IF_ERROR(t.PutNotification(a, Sample(1)));
                BITS_RETURN_IF_ERROR(t.PutNotification(a, Sample(2)));
                BITS_RETURN_IF_ERROR(t.DeleteNotification(a, 1));
                BITS_RETURN_IF_ERROR(t.DeleteNotifications(a));
                BITS_RETURN_IF_ERROR(t.PutWebhookSecret(a, "no"));
                return absl::AbortedError("no");
              }),
              HasCode(StatusCode::kAborted));
  EXPECT_THAT(Encoded(a), ElementsAre(E(one)));
  EXPECT_EQ(Count(a), 1u);
}

TEST_P(OutboxContract, IsDueWhenItsFirstPendingOneIs) {
  const domain::JobId a = InsertJobOf("o");
  Put(a, Sample(1, kNow - absl::Hours(1), /*given_up=*/true));
  EXPECT_THAT(Due({.now = kNow, .owners = 9, .per_owner = 9}), IsEmpty());
  Put(a, Sample(2, kNow + absl::Seconds(5)));
  Put(a, Sample(3, kNow - absl::Seconds(5)));  // behind it, however long it has waited
  EXPECT_THAT(Due({.now = kNow, .owners = 9, .per_owner = 9}), IsEmpty());
  EXPECT_EQ(*store().NextOutbox(kNow), kNow + absl::Seconds(5));
  EXPECT_EQ(*store().NextOutbox(kNow + absl::Seconds(5)), absl::InfiniteFuture());
  EXPECT_THAT(Due({.now = kNow + absl::Seconds(5), .owners = 9, .per_owner = 9}),
              ElementsAre(DueOutbox{a, "o"}));
  BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.DeleteNotification(a, 2); }));
  EXPECT_THAT(Due({.now = kNow, .owners = 9, .per_owner = 9}), ElementsAre(DueOutbox{a, "o"}));
  // One before it that is tried anew.
  Put(a, Sample(1, kNow + absl::Hours(1)));
  EXPECT_THAT(Due({.now = kNow, .owners = 9, .per_owner = 9}), IsEmpty());
}

TEST_P(OutboxContract, TheRoundGoesByOwnerAndOfEachTheEarliestFirst) {
  const domain::JobId late = InsertJobOf("b");
  const domain::JobId early = InsertJobOf("b");
  const domain::JobId never = InsertJobOf("b");
  const domain::JobId nameless = InsertJobOf("");
  const domain::JobId c = InsertJobOf("c");
  const domain::JobId later = InsertJobOf("a");
  Put(late, Sample(1, kNow - absl::Seconds(1)));
  Put(early, Sample(1, kNow - absl::Seconds(9)));
  Put(never, Sample(1, kNow - absl::Seconds(99), true));
  Put(nameless, Sample(1, kNow));
  Put(c, Sample(1, kNow));
  Put(later, Sample(1, kNow + absl::Seconds(1)));
  EXPECT_THAT(Due({.now = kNow, .owners = 9, .per_owner = 9}),
              ElementsAre(DueOutbox{early, "b"}, DueOutbox{late, "b"}, DueOutbox{c, "c"},
                          DueOutbox{nameless, ""}));
  EXPECT_THAT(Due({.now = kNow, .after_owner = "b", .owners = 2, .per_owner = 1}),
              ElementsAre(DueOutbox{c, "c"}, DueOutbox{nameless, ""}));
  EXPECT_THAT(Due({.now = kNow, .after_owner = "c", .owners = 9, .per_owner = 1}),
              ElementsAre(DueOutbox{nameless, ""}, DueOutbox{early, "b"}, DueOutbox{c, "c"}));
}

TEST_P(OutboxContract, OfAnAbsentJobThereIsNone) {
  const domain::JobId id = samples().Id();
  BITS_EXPECT_OK(Commit([&](Transaction& t) -> absl::Status {
    EXPECT_THAT(t.PutNotification(id, Sample(1)), HasCode(StatusCode::kNotFound));
    EXPECT_THAT(t.GetNotification(id, 1), HasCode(StatusCode::kNotFound));
    EXPECT_THAT(t.FirstPendingNotification(id), HasCode(StatusCode::kNotFound));
    EXPECT_THAT(t.PutWebhookSecret(id, "x"), HasCode(StatusCode::kNotFound));
    EXPECT_EQ(*t.GetWebhookSecret(id), "");
    EXPECT_EQ(*t.CountNotifications(id), 0u);
    BITS_RETURN_IF_ERROR(t.DeleteNotifications(id));
    return t.DeleteNotification(id, 1);
  }));
}

TEST_P(OutboxContract, WebhookSecretIsApartFromTheOthersAndGoesWithItsJob) {
  const domain::Job a = InsertQueued();
  const auto secret = [&](const domain::JobId& id) {
    std::string found;
    BITS_EXPECT_OK(Commit([&](Transaction& t) -> absl::Status {
      BITS_ASSIGN_OR_RETURN(found, t.GetWebhookSecret(id));
      return absl::OkStatus();
    }));
    return found;
  };
  const std::string sealed("\0\xff sealed", 9);
  BITS_EXPECT_OK(Commit([&](Transaction& t) -> absl::Status {
    BITS_RETURN_IF_ERROR(t.PutSecrets(a.id, "others"));
    BITS_RETURN_IF_ERROR(t.PutWebhookSecret(a.id, "first"));
    return t.PutWebhookSecret(a.id, sealed);
  }));
  BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.PutSecrets(a.id, ""); }));
  EXPECT_EQ(secret(a.id), sealed);
  BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.PutWebhookSecret(a.id, ""); }));
  EXPECT_EQ(secret(a.id), "");
  BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.PutWebhookSecret(a.id, sealed); }));
  BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.DeleteJob(a.id); }));
  domain::Job again = a;
  Insert(again);
  EXPECT_EQ(secret(a.id), "");
}

}  // namespace
}  // namespace bits::testing
