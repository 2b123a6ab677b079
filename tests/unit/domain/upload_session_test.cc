// The rules of the uploads that are received, cell by cell.
#include "server/domain/upload_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/domain/error_code.h"
#include "server/domain/retry.h"

namespace bits::domain {
namespace {

UploadSession Receiving(uint64_t received, std::optional<uint64_t> total) {
  UploadSession session;
  session.id = "{a0ff}";
  session.received = received;
  session.total = total;
  return session;
}

TEST(UploadFragmentRule, Table) {
  struct Row {
    UploadState state;
    uint64_t received;
    std::optional<uint64_t> total;
    UploadRange range;  // first, length, total
    uint32_t status;    // 0: it is taken
    Hresult hresult;
    uint64_t skip;
    uint64_t received_after;
    bool whole;
  };
  constexpr UploadState kR = UploadState::kReceiving;
  constexpr UploadState kD = UploadState::kDelivered;
  const std::vector<Row> rows = {
      {kR, 0, std::nullopt, {0, 4, 10}, 0, 0, 0, 4, false},
      {kR, 0, std::nullopt, {0, 10, 10}, 0, 0, 0, 10, true},
      {kR, 0, std::nullopt, {0, 0, 0}, 0, 0, 0, 0, true},
      {kR, 0, std::nullopt, {1, 4, 10}, 416, 0, 0, 0, false},
      {kR, 4, 10, {4, 2, 10}, 0, 0, 0, 6, false},
      {kR, 4, 10, {2, 4, 10}, 0, 0, 2, 6, false},   // an overlap
      {kR, 4, 10, {0, 3, 10}, 0, 0, 3, 4, false},   // nothing new
      {kR, 4, 10, {0, 10, 10}, 0, 0, 4, 10, true},  // all of it again
      {kR, 4, 10, {5, 2, 10}, 416, 0, 0, 4, false},
      {kR, 4, 10, {4, 2, 11}, 400, kInvalidArgument, 0, 4, false},
      {kR, 10, 10, {6, 4, 10}, 0, 0, 4, 10, true},  // not delivered yet: to be tried again
      {kR, 0, std::nullopt, {0, 4, 101}, 500, kFileTooLarge, 0, 0, false},
      {kR, 0, std::nullopt, {0, 100, 100}, 0, 0, 0, 100, true},
      {kD, 10, 10, {6, 4, 10}, 0, 0, 4, 10, true},
      {kD, 10, 10, {0, 10, 10}, 0, 0, 10, 10, true},
      {kD, 10, 10, {6, 4, 12}, 400, kInvalidArgument, 0, 10, true},
      {UploadState::kEnded, 4, 10, {4, 2, 10}, 500, kSessionNotFound, 0, 4, false},
  };
  UploadLocation location;
  location.max_size = 100;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    UploadSession session = Receiving(row.received, row.total);
    session.state = row.state;
    const UploadStep step = DecideFragment(session, location, row.range);
    EXPECT_EQ(step.answer.has_value(), row.status != 0) << "row " << i;
    if (step.answer.has_value()) {
      EXPECT_EQ(step.answer->status, row.status) << "row " << i;
      EXPECT_EQ(step.answer->hresult, row.hresult) << "row " << i;
      EXPECT_EQ(step.answer->context, ErrorContext::kRemoteFile) << "row " << i;
      EXPECT_EQ(step.answer->received.has_value(), row.status == 416) << "row " << i;
      if (row.status == 416) {
        EXPECT_EQ(*step.answer->received, row.received) << "row " << i;
      }
    } else {
      EXPECT_EQ(step.skip, row.skip) << "row " << i;
      AcceptFragment(session, row.range);
    }
    EXPECT_EQ(session.received, row.received_after) << "row " << i;
    EXPECT_EQ(session.whole(), row.whole) << "row " << i;
  }
}

TEST(UploadFragmentRule, AckSaysTheReplyOnceItIsDelivered) {
  UploadSession session = Receiving(10, 10);
  session.reply_url = "/reply";
  EXPECT_EQ(FragmentAck(session).reply_url, "");
  session.state = UploadState::kDelivered;
  const UploadAnswer ack = FragmentAck(session);
  EXPECT_TRUE(ack.ok());
  EXPECT_EQ(ack.reply_url, "/reply");
  EXPECT_EQ(ack.received, 10u);
  EXPECT_EQ(ack.session_id, "{a0ff}");
}

TEST(UploadCreateRule, Table) {
  struct Row {
    bool enabled;
    bool overwrite;
    FileKind there;
    uint32_t status;  // 0: it can be made
    Hresult hresult;
  };
  for (const Row& row : std::vector<Row>{
           {true, false, FileKind::kNothing, 0, 0},
           {true, false, FileKind::kRegular, 403, kAccessDenied},
           {true, true, FileKind::kRegular, 0, 0},
           {true, true, FileKind::kOther, 403, kAccessDenied},
           {true, true, FileKind::kDirectory, 400, kInvalidArgument},
           {false, true, FileKind::kNothing, 501, kAccessDenied},
       }) {
    UploadLocation location;
    location.enabled = row.enabled;
    location.overwrite = row.overwrite;
    const auto refusal = RefuseUpload(location, row.there);
    EXPECT_EQ(refusal.has_value() ? refusal->status : 0, row.status);
    EXPECT_EQ(refusal.has_value() ? refusal->hresult : 0, row.hresult);
  }
}

TEST(UploadCreateRule, SessionsOfAClientAreBounded) {
  UploadLocation location;
  location.max_sessions_per_client = 2;
  EXPECT_FALSE(RefuseAnotherUpload(location, 1).has_value());
  const auto refusal = RefuseAnotherUpload(location, 2);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_TRUE(IsTransientHttpStatus(refusal->status));
  location.max_sessions_per_client = 0;
  EXPECT_FALSE(RefuseAnotherUpload(location, 1'000'000).has_value());
}

TEST(UploadFileRule, CodesOfTheFileSystem) {
  EXPECT_EQ(UploadFileError(kDiskFull, "").status, 500u);
  EXPECT_EQ(UploadFileError(kDiskFull, "").hresult, 0x80070112u);
  EXPECT_EQ(UploadFileError(kAccessDenied, "").status, 403u);
  EXPECT_EQ(UploadFileError(kWriteProtect, "").status, 403u);
  EXPECT_EQ(UploadFileError(FromErrno(ENOTDIR), "").status, 400u);
  EXPECT_EQ(UploadFileError(FromErrno(EMFILE), "").status, 503u);
  EXPECT_EQ(UploadFileError(kIoDevice, "").status, 500u);
  EXPECT_EQ(UploadFileError(kIoDevice, "").hresult, kIoDevice);
}

TEST(UploadApplicationRule, EveryStatusKeepsItsClass) {
  ApplicationAnswer answer;
  answer.status = 200;
  EXPECT_FALSE(ApplicationRefusal(answer).has_value());
  for (uint32_t status = 100; status <= 599; ++status) {
    if (status == 200) continue;
    answer.status = status;
    const auto refusal = ApplicationRefusal(answer);
    ASSERT_TRUE(refusal.has_value()) << status;
    EXPECT_EQ(refusal->hresult, FromHttpStatus(status));
    EXPECT_EQ(refusal->context, ErrorContext::kRemoteApplication);
    EXPECT_EQ(IsTransientHttpStatus(refusal->status), IsTransientHttpStatus(status)) << status;
    // Never one that a client of the protocol would take for something else.
    EXPECT_GE(refusal->status, 400u);
    for (const uint32_t taken : {401u, 407u, 411u, 413u, 416u, 417u}) {
      EXPECT_NE(refusal->status, taken) << status;
    }
    if (status == 403 || status == 404 || status == 500 || status == 503) {
      EXPECT_EQ(refusal->status, status);
    }
  }
}

TEST(UploadApplicationRule, NoAnswer) {
  ApplicationAnswer answer;
  answer.timed_out = true;
  EXPECT_EQ(ApplicationRefusal(answer)->status, 408u);
  EXPECT_EQ(ApplicationRefusal(answer)->hresult, 0x80070112u);
  answer.timed_out = false;
  answer.hresult = kCannotConnect;
  EXPECT_EQ(ApplicationRefusal(answer)->status, 502u);
  EXPECT_EQ(ApplicationRefusal(answer)->hresult, kCannotConnect);
  answer = {};
  answer.status = 200;
  answer.static_url = "http://h/" + std::string(2200, 'x');
  EXPECT_EQ(ApplicationRefusal(answer)->status, 400u);
}

}  // namespace
}  // namespace bits::domain
