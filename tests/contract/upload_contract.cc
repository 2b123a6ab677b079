// The sessions of uploads that are received.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/base/status_macros.h"
#include "tests/contract/job_store_contract.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using absl::StatusCode;
using app::Transaction;
using domain::UploadSession;
using domain::UploadState;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Time kThen = absl::FromUnixSeconds(1'800'000'000);

UploadSession SessionOf(const std::string& id, const std::string& client = "c") {
  UploadSession session;
  session.id = id;
  session.client = client;
  session.destination = "/root/\xff";
  session.temporary = "/root/.BIT-up-1";
  session.reply = "/root/.BIT-re-1";
  session.state = UploadState::kDelivered;
  session.total = 0;
  session.received = 77;
  session.identity = "1.2";
  session.create_time = kThen - absl::Nanoseconds(1);
  session.expire_time = kThen;
  session.refused = session.published = session.has_reply = true;
  session.reply_url = "http://x/y?z";
  session.reply_size = 9;
  session.reply_time = kThen + absl::Nanoseconds(5);
  return session;
}

TEST_P(JobStoreContract, UploadSessionsAreReadAsTheyWereWritten) {
  UploadSession one = SessionOf("{1}");
  UploadSession two;  // all at its default
  two.id = "{2}";
  two.create_time = two.expire_time = two.reply_time = absl::UnixEpoch();
  BITS_EXPECT_OK(Commit([&](Transaction& t) -> absl::Status {
    BITS_RETURN_IF_ERROR(t.PutUploadSession(one));
    return t.PutUploadSession(two);
  }));
  EXPECT_EQ(*store().GetUploadSession("{1}"), one);
  EXPECT_EQ(*store().GetUploadSession("{2}"), two);
  EXPECT_THAT(store().GetUploadSession("{3}"), HasCode(StatusCode::kNotFound));
  EXPECT_THAT(store().GetUploadSession(std::string("{1\0", 3)), HasCode(StatusCode::kNotFound));
  one.received = 78;
  one.total = std::nullopt;
  BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.PutUploadSession(one); }));
  if (durable()) Open({});
  if (durable()) {
    EXPECT_EQ(*store().GetUploadSession("{1}"), one);
  }
  BITS_EXPECT_OK(Commit([&](Transaction& t) -> absl::Status {
    BITS_RETURN_IF_ERROR(t.DeleteUploadSession("{1}"));
    return t.DeleteUploadSession("{1}");
  }));
  EXPECT_THAT(store().GetUploadSession("{1}"), HasCode(StatusCode::kNotFound));
}

TEST_P(JobStoreContract, UploadSessionsOfATransactionThatFailsAreAsBefore) {
  const UploadSession one = SessionOf("{1}");
  BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.PutUploadSession(one); }));
  EXPECT_THAT(Commit([&](Transaction& t) -> absl::Status {
                UploadSession other = one;
                other.received = 1;
                BITS_RETURN_IF_ERROR(t.PutUploadSession(other));
                BITS_RETURN_IF_ERROR(t.DeleteUploadSession("{1}"));
                BITS_RETURN_IF_ERROR(t.PutUploadSession(SessionOf("{2}")));
                return absl::AbortedError("no");
              }),
              HasCode(StatusCode::kAborted));
  EXPECT_EQ(*store().GetUploadSession("{1}"), one);
  EXPECT_THAT(store().GetUploadSession("{2}"), HasCode(StatusCode::kNotFound));
}

TEST_P(JobStoreContract, UploadSessionsExpireInOrder) {
  EXPECT_EQ(*store().NextUploadExpiry(absl::InfinitePast()), absl::InfiniteFuture());
  const auto put = [&](const std::string& id, absl::Time expires) {
    UploadSession session = SessionOf(id);
    session.expire_time = expires;
    BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.PutUploadSession(session); }));
  };
  put("{a}", kThen + absl::Seconds(2));
  put("{b}", kThen);
  put("{c}", kThen + absl::Seconds(1));
  EXPECT_THAT(*store().ListExpiredUploads(kThen - absl::Nanoseconds(1), 9), IsEmpty());
  EXPECT_THAT(*store().ListExpiredUploads(kThen + absl::Seconds(1), 9), ElementsAre("{b}", "{c}"));
  EXPECT_THAT(*store().ListExpiredUploads(kThen + absl::Seconds(9), 2), ElementsAre("{b}", "{c}"));
  EXPECT_EQ(*store().NextUploadExpiry(absl::InfinitePast()), kThen);
  EXPECT_EQ(*store().NextUploadExpiry(kThen), kThen + absl::Seconds(1));
  EXPECT_EQ(*store().NextUploadExpiry(kThen + absl::Seconds(2)), absl::InfiniteFuture());
}

TEST_P(JobStoreContract, UploadSessionsAreCountedByClientUnlessTheyHaveEnded) {
  UploadSession ended = SessionOf("{e}");
  ended.state = UploadState::kEnded;
  BITS_EXPECT_OK(Commit([&](Transaction& t) -> absl::Status {
    for (const UploadSession& session :
         {SessionOf("{1}"), SessionOf("{2}"), SessionOf("{3}"), ended, SessionOf("{4}", "other")}) {
      BITS_RETURN_IF_ERROR(t.PutUploadSession(session));
    }
    EXPECT_EQ(*t.CountUploadSessions("c", 100), 3u);
    EXPECT_EQ(*t.CountUploadSessions("c", 2), 2u);
    EXPECT_EQ(*t.CountUploadSessions("other", 100), 1u);
    EXPECT_EQ(*t.CountUploadSessions("nobody", 100), 0u);
    return absl::OkStatus();
  }));
}

}  // namespace
}  // namespace bits::testing
