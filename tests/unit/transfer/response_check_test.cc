#include "server/transfer/response_check.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "server/domain/error_code.h"

namespace bits::transfer {
namespace {

using app::RestartReason;
using domain::Validators;

const char* const kDate = "Wed, 21 Oct 2015 07:28:00 GMT";
const char* const kOther = "Thu, 22 Oct 2015 07:28:00 GMT";
const absl::Time kResponseNow = absl::FromUnixSeconds(1'700'000'000);
constexpr uint64_t kOffset = 100;
constexpr uint64_t kTotal = 1000;

RangeRequest Fresh() { return {}; }

RangeRequest Resumed(Validators validators = {"\"v1\"", kDate}) {
  RangeRequest request;
  request.offset = kOffset;
  request.validators = std::move(validators);
  request.total = kTotal;
  request.ranged = true;
  return request;
}

RangeRequest Strict(RangeRequest request) {
  request.require_ranges = request.ranged = true;
  return request;
}

ResponseHead Head(uint32_t status, Validators validators = {"\"v1\"", kDate}) {
  ResponseHead head;
  head.status = status;
  head.persistent = true;
  head.etag = std::move(validators.etag);
  head.last_modified = std::move(validators.last_modified);
  return head;
}

ResponseHead Whole(Validators validators = {"\"v1\"", kDate}, uint64_t length = kTotal) {
  ResponseHead head = Head(200, std::move(validators));
  head.content_length = length;
  return head;
}

ResponseHead Part(Validators validators = {"\"v1\"", kDate},
                  const std::string& range = "bytes 100-999/1000") {
  ResponseHead head = Head(206, std::move(validators));
  head.content_range = range;
  return head;
}

ResponseHead Unsatisfied(const std::string& range, Validators validators = {"\"v1\"", kDate}) {
  ResponseHead head = Head(416, std::move(validators));
  head.content_range = range;
  return head;
}

// "kPart", "kRestartAnew kChanged", "kFail BG_E_...": what a plan says, for tables.
std::string Say(const ResponsePlan& plan) {
  const auto reason = [&]() -> std::string {
    switch (plan.reason) {
      case RestartReason::kChanged:
        return "kChanged";
      case RestartReason::kUnproven:
        return "kUnproven";
      case RestartReason::kNoRanges:
        return "kNoRanges";
      case RestartReason::kLost:
        return "kLost";
      case RestartReason::kSource:
        return "kSource";
    }
    return "?";
  };
  switch (plan.verdict) {
    case Verdict::kWhole:
      return "kWhole";
    case Verdict::kPart:
      return "kPart";
    case Verdict::kRestartHere:
      return "kRestartHere " + reason();
    case Verdict::kRestartAnew:
      return "kRestartAnew " + reason();
    case Verdict::kComplete:
      return "kComplete";
    case Verdict::kRedirect:
      return "kRedirect";
    case Verdict::kFail:
      return "kFail " + domain::SymbolOf(plan.failure.hresult);
  }
  return "?";
}

std::string Check(const RangeRequest& request, const ResponseHead& head) {
  return Say(CheckResponse(request, head, kResponseNow));
}

TEST(ValidatorsTest, WhatProves) {
  EXPECT_TRUE(ProvesVersion({"\"a\"", ""}));
  EXPECT_TRUE(ProvesVersion({"", kDate}));
  EXPECT_TRUE(ProvesVersion({"W/\"a\"", kDate}));
  EXPECT_FALSE(ProvesVersion({"W/\"a\"", ""}));
  EXPECT_FALSE(ProvesVersion({}));
  EXPECT_EQ(IfRangeValue({"\"a\"", kDate}), "\"a\"");
  EXPECT_EQ(IfRangeValue({"W/\"a\"", kDate}), kDate);
  EXPECT_EQ(IfRangeValue({"", kDate}), kDate);
  EXPECT_EQ(IfRangeValue({"W/\"a\"", ""}), "");
}

// All that can be known of two versions, against a rule written the other way round.
TEST(ValidatorsTest, CompareVersions) {
  const std::vector<std::string> etags = {"", "\"a\"", "\"b\"", "W/\"a\"", "W/\"b\""};
  const std::vector<std::string> dates = {"", kDate, kOther};
  const std::vector<std::optional<uint64_t>> totals = {std::nullopt, 1, 2};
  int same = 0;
  for (const auto& e1 : etags) {
    for (const auto& e2 : etags) {
      for (const auto& d1 : dates) {
        for (const auto& d2 : dates) {
          for (const auto& t1 : totals) {
            for (const auto& t2 : totals) {
              const bool etag_both = !e1.empty() && !e2.empty();
              const bool date_both = !d1.empty() && !d2.empty();
              const bool total_both = t1.has_value() && t2.has_value();
              const bool differ = (etag_both && e1 != e2) || (date_both && d1 != d2) ||
                                  (total_both && *t1 != *t2);
              const bool strong = !e1.empty() && e1[0] == '"';
              const bool proven = strong ? e1 == e2 : date_both;
              const VersionMatch expected = differ   ? VersionMatch::kDifferent
                                            : proven ? VersionMatch::kSame
                                                     : VersionMatch::kUnproven;
              EXPECT_EQ(CompareVersions({e1, d1}, t1, {e2, d2}, t2), expected)
                  << e1 << d1 << " " << e2 << d2;
              same += expected == VersionMatch::kSame ? 1 : 0;
            }
          }
        }
      }
    }
  }
  EXPECT_GT(same, 0);
}

TEST(ResponseCheckTest, AWholeFile) {
  const ResponsePlan plan = CheckResponse(Fresh(), Whole(), kResponseNow);
  EXPECT_EQ(Say(plan), "kWhole");
  EXPECT_EQ(plan.body_size, kTotal);
  EXPECT_EQ(plan.total, kTotal);
  EXPECT_EQ(plan.validators, (Validators{"\"v1\"", kDate}));
  EXPECT_EQ(plan.last_modified, absl::FromUnixSeconds(1445412480));
  EXPECT_EQ(Check(Fresh(), Whole({}, 0)), "kWhole");
  ResponseHead transformed = Whole();
  transformed.status = 203;
  EXPECT_EQ(Check(Fresh(), transformed), "kWhole");
}

TEST(ResponseCheckTest, AWholeFileOfUnknownLength) {
  ResponseHead head = Head(200);
  EXPECT_EQ(CheckResponse(Fresh(), head, kResponseNow).body_size, std::nullopt);
  head.content_length = 5;  // means nothing beside Transfer-Encoding
  head.chunked = true;
  const ResponsePlan plan = CheckResponse(Fresh(), head, kResponseNow);
  EXPECT_EQ(plan.body_size, std::nullopt);
  EXPECT_EQ(plan.total, std::nullopt);
}

// --- What is here is of another source ----------------------------------------------------------

RangeRequest OfAnotherSource(Basis basis) {
  RangeRequest request;
  request.offset = kOffset;
  request.basis = basis;
  request.ranged = basis == Basis::kSize;
  if (request.ranged) request.total = kTotal;
  return request;
}

TEST(ResponseCheckTest, OfAnotherSourceOnlyTheSizeCounts) {
  const RangeRequest request = OfAnotherSource(Basis::kSize);
  for (const Validators& validators :
       {Validators{}, Validators{"\"v1\"", kDate}, Validators{"W/\"z\"", kOther}}) {
    const ResponsePlan plan = CheckResponse(request, Part(validators), kResponseNow);
    EXPECT_EQ(Say(plan), "kPart");
    EXPECT_EQ(plan.validators.etag, validators.etag);  // of the source that gives the rest
    EXPECT_EQ(plan.total, kTotal);
    EXPECT_EQ(Check(request, Unsatisfied("bytes */100", validators)), "kRestartAnew kChanged");
  }
  EXPECT_EQ(Check(request, Part({}, "bytes 100-999/*")), "kRestartAnew kUnproven");
  EXPECT_EQ(Check(request, Part({}, "bytes 100-1000/1001")), "kRestartAnew kChanged");
  EXPECT_EQ(Check(request, Part({}, "bytes 0-999/1000")), "kRestartAnew kNoRanges");
  EXPECT_EQ(Check(request, Whole({}, kTotal)), "kRestartHere kNoRanges");
  EXPECT_EQ(Check(request, Whole({}, kTotal + 1)), "kRestartHere kChanged");
  EXPECT_EQ(Check(request, Unsatisfied("bytes */1000")), "kRestartAnew kUnproven");
  EXPECT_EQ(Check(request, Unsatisfied("bytes */99")), "kRestartAnew kChanged");
  EXPECT_EQ(Check(request, Unsatisfied("")), "kRestartAnew kUnproven");
  RangeRequest all = request;
  all.offset = kTotal;
  EXPECT_EQ(Check(all, Unsatisfied("bytes */1000", {})), "kComplete");
  EXPECT_EQ(Check(Strict(request), Whole({}, kTotal)), "kFail BG_E_INSUFFICIENT_RANGE_SUPPORT");
}

TEST(ResponseCheckTest, WithoutAnyProofAnotherSourceGivesAll) {
  const RangeRequest request = OfAnotherSource(Basis::kNone);
  EXPECT_EQ(Check(request, Whole({"\"v1\"", kDate}, kTotal)), "kRestartHere kSource");
  EXPECT_EQ(Check(request, Part()), "kFail ERROR_WINHTTP_INVALID_SERVER_RESPONSE");
  EXPECT_EQ(Check(request, Head(404)), "kFail BG_E_HTTP_ERROR_404");
}

TEST(ResponseCheckTest, APart) {
  const ResponsePlan plan = CheckResponse(Resumed(), Part(), kResponseNow);
  EXPECT_EQ(Say(plan), "kPart");
  EXPECT_EQ(plan.body_size, 900u);
  EXPECT_EQ(plan.total, 1000u);
  EXPECT_EQ(plan.validators, (Validators{"\"v1\"", kDate}));
}

TEST(ResponseCheckTest, APartKeepsWhatItIsKnownBy) {
  // The 206 may leave Last-Modified out, and name an ETag where there was none.
  EXPECT_EQ(CheckResponse(Resumed(), Part({"\"v1\"", ""}), kResponseNow).validators,
            (Validators{"\"v1\"", kDate}));
  EXPECT_EQ(CheckResponse(Resumed({"", kDate}), Part({"\"new\"", kDate}), kResponseNow).validators,
            (Validators{"", kDate}));
}

TEST(ResponseCheckTest, PartsOfVersions) {
  struct Case {
    Validators known;
    Validators given;
    const char* expected;
  };
  const std::vector<Case> cases = {
      {{"\"v1\"", kDate}, {"\"v1\"", kDate}, "kPart"},
      {{"\"v1\"", kDate}, {"\"v1\"", ""}, "kPart"},
      {{"\"v1\"", ""}, {"\"v1\"", kDate}, "kPart"},
      {{"", kDate}, {"", kDate}, "kPart"},
      {{"W/\"v1\"", kDate}, {"W/\"v1\"", kDate}, "kPart"},
      {{"\"v1\"", kDate}, {"\"v2\"", kDate}, "kRestartAnew kChanged"},
      {{"\"v1\"", kDate}, {"\"v1\"", kOther}, "kRestartAnew kChanged"},
      {{"\"v1\"", kDate}, {"\"v2\"", kOther}, "kRestartAnew kChanged"},
      {{"\"v1\"", kDate}, {"W/\"v1\"", kDate}, "kRestartAnew kChanged"},
      {{"W/\"v1\"", kDate}, {"W/\"v2\"", kDate}, "kRestartAnew kChanged"},
      {{"", kDate}, {"", kOther}, "kRestartAnew kChanged"},
      {{"\"v1\"", kDate}, {"", kDate}, "kRestartAnew kUnproven"},
      {{"\"v1\"", kDate}, {"", ""}, "kRestartAnew kUnproven"},
      {{"", kDate}, {"\"v1\"", ""}, "kRestartAnew kUnproven"},
      {{"W/\"v1\"", kDate}, {"W/\"v1\"", ""}, "kRestartAnew kUnproven"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Check(Resumed(c.known), Part(c.given)), c.expected)
        << c.known.etag << c.known.last_modified << " " << c.given.etag << c.given.last_modified;
  }
}

TEST(ResponseCheckTest, PartsThatAreNotWhatWasAskedFor) {
  for (const char* range : {"bytes 99-999/1000", "bytes 101-999/1000", "bytes 0-999/1000", "",
                            "bytes 100-", "nonsense", "bytes */1000"}) {
    EXPECT_EQ(Check(Resumed(), Part({"\"v1\"", kDate}, range)), "kRestartAnew kNoRanges") << range;
    EXPECT_EQ(Check(Strict(Resumed()), Part({"\"v1\"", kDate}, range)),
              "kFail BG_E_INVALID_SERVER_RESPONSE")
        << range;
  }
  EXPECT_EQ(Check(Resumed(), Part({"\"v1\"", kDate}, "bytes 100-999/1001")),
            "kRestartAnew kChanged");
  EXPECT_EQ(Check(Fresh(), Part({"\"v1\"", kDate}, "bytes 0-999/1000")),
            "kFail ERROR_WINHTTP_INVALID_SERVER_RESPONSE");
}

TEST(ResponseCheckTest, TotalsOfParts) {
  ResponsePlan plan =
      CheckResponse(Resumed(), Part({"\"v1\"", kDate}, "bytes 100-499/1000"), kResponseNow);
  EXPECT_EQ(plan.body_size, 400u);
  EXPECT_EQ(plan.total, 1000u);
  plan = CheckResponse(Resumed(), Part({"\"v1\"", kDate}, "bytes 100-999/*"), kResponseNow);
  EXPECT_EQ(Say(plan), "kPart");
  EXPECT_EQ(plan.total, 1000u);
  EXPECT_EQ(Check(Resumed(), Part({"\"v1\"", kDate}, "bytes 100-1000/*")),
            "kRestartAnew kChanged");
  RangeRequest unknown = Resumed();
  unknown.total.reset();
  EXPECT_EQ(CheckResponse(unknown, Part(), kResponseNow).total, 1000u);
  plan = CheckResponse(unknown, Part({"\"v1\"", kDate}, "bytes 100-999/*"), kResponseNow);
  EXPECT_EQ(Say(plan), "kPart");
  EXPECT_EQ(plan.total, std::nullopt);
  EXPECT_EQ(Check(Strict(unknown), Part({"\"v1\"", kDate}, "bytes 100-999/*")),
            "kFail BG_E_MISSING_FILE_SIZE");
}

TEST(ResponseCheckTest, LengthsOfParts) {
  ResponseHead head = Part();
  head.content_length = 900;
  EXPECT_EQ(Check(Resumed(), head), "kPart");
  head.content_length = 899;
  EXPECT_EQ(Check(Resumed(), head), "kFail ERROR_WINHTTP_INVALID_SERVER_RESPONSE");
  head.chunked = true;
  EXPECT_EQ(Check(Resumed(), head), "kPart");
}

TEST(ResponseCheckTest, TheWholeWhereAPartWasAskedFor) {
  EXPECT_EQ(Check(Resumed(), Whole()), "kRestartHere kNoRanges");
  EXPECT_EQ(Check(Resumed(), Whole({})), "kRestartHere kNoRanges");
  EXPECT_EQ(Check(Resumed(), Whole({"\"v2\"", kDate})), "kRestartHere kChanged");
  EXPECT_EQ(Check(Resumed(), Whole({"\"v1\"", kOther})), "kRestartHere kChanged");
  EXPECT_EQ(Check(Resumed(), Whole({"\"v1\"", kDate}, 999)), "kRestartHere kChanged");
  EXPECT_EQ(Check(Strict(Resumed()), Whole()), "kFail BG_E_INSUFFICIENT_RANGE_SUPPORT");
  EXPECT_EQ(Check(Strict(Resumed()), Whole({})), "kFail BG_E_INSUFFICIENT_RANGE_SUPPORT");
  EXPECT_EQ(Check(Strict(Resumed()), Whole({"\"v2\"", kDate})), "kRestartHere kChanged");
  const ResponsePlan plan = CheckResponse(Resumed(), Whole({"\"v2\"", kOther}, 77), kResponseNow);
  EXPECT_EQ(plan.body_size, 77u);
  EXPECT_EQ(plan.total, 77u);
  EXPECT_EQ(plan.validators, (Validators{"\"v2\"", kOther}));
}

TEST(ResponseCheckTest, RangesRequired) {
  EXPECT_EQ(Check(Strict(Fresh()), Part({"\"v1\"", kDate}, "bytes 0-999/1000")), "kPart");
  EXPECT_EQ(Check(Strict(Fresh()), Part({}, "bytes 0-999/1000")), "kPart");
  EXPECT_EQ(Check(Strict(Fresh()), Part({}, "bytes 0-999/*")), "kFail BG_E_MISSING_FILE_SIZE");
  EXPECT_EQ(Check(Strict(Fresh()), Part({}, "bytes 1-999/1000")),
            "kFail BG_E_INVALID_SERVER_RESPONSE");
  EXPECT_EQ(Check(Strict(Fresh()), Whole()), "kFail BG_E_INSUFFICIENT_RANGE_SUPPORT");
  EXPECT_EQ(Check(Strict(Fresh()), Whole({}, 0)), "kWhole");
  ResponseHead able = Whole();
  able.accept_ranges = "bytes";
  EXPECT_EQ(Check(Strict(Fresh()), able), "kWhole");
  able.accept_ranges = "none";
  EXPECT_EQ(Check(Strict(Fresh()), able), "kFail BG_E_INSUFFICIENT_RANGE_SUPPORT");
  EXPECT_EQ(Check(Strict(Fresh()), Head(200)), "kFail BG_E_MISSING_FILE_SIZE");
}

TEST(ResponseCheckTest, NothingFromThereOn) {
  // 416 to a request for byte 100 and on.
  RangeRequest unknown = Resumed();
  unknown.total.reset();
  EXPECT_EQ(Check(unknown, Unsatisfied("bytes */100")), "kComplete");
  EXPECT_EQ(CheckResponse(unknown, Unsatisfied("bytes */100"), kResponseNow).total, 100u);
  EXPECT_EQ(Check(unknown, Unsatisfied("bytes */100", {})), "kRestartAnew kUnproven");
  EXPECT_EQ(Check(unknown, Unsatisfied("bytes */100", {"\"v2\"", ""})), "kRestartAnew kChanged");
  EXPECT_EQ(Check(unknown, Unsatisfied("bytes */99")), "kRestartAnew kChanged");
  EXPECT_EQ(Check(unknown, Unsatisfied("bytes */101")), "kRestartAnew kUnproven");
  EXPECT_EQ(Check(unknown, Unsatisfied("")), "kRestartAnew kUnproven");
  // It was known to be longer.
  EXPECT_EQ(Check(Resumed(), Unsatisfied("bytes */100")), "kRestartAnew kChanged");
  EXPECT_EQ(Check(Resumed(), Unsatisfied("")), "kRestartAnew kUnproven");
  // An empty file, asked for with a range all the same.
  EXPECT_EQ(Check(Strict(Fresh()), Unsatisfied("bytes */0")), "kComplete");
  EXPECT_EQ(Check(Strict(Fresh()), Unsatisfied("bytes */10")), "kFail BG_E_HTTP_ERROR_416");
  EXPECT_EQ(Check(Fresh(), Unsatisfied("bytes */0")), "kFail BG_E_HTTP_ERROR_416");
}

TEST(ResponseCheckTest, BodiesThatAreOfNoUse) {
  for (ResponseHead head : {Whole(), Part()}) {
    head.content_encoding = "gzip";
    EXPECT_EQ(Check(Resumed(), head), "kFail BG_E_INVALID_SERVER_RESPONSE");
    head.content_encoding = "Identity";
    EXPECT_NE(Check(Resumed(), head), "kFail BG_E_INVALID_SERVER_RESPONSE");
    head.bad_length = true;
    EXPECT_EQ(Check(Resumed(), head), "kFail ERROR_WINHTTP_INVALID_SERVER_RESPONSE");
  }
}

TEST(ResponseCheckTest, Redirects) {
  for (uint32_t status : {301u, 302u, 303u, 307u, 308u}) {
    ResponseHead head = Head(status);
    EXPECT_EQ(Check(Fresh(), head), "kFail BG_E_HTTP_ERROR_" + std::to_string(status));
    head.location = "/";
    EXPECT_EQ(Check(Fresh(), head), "kRedirect");
  }
  ResponseHead head = Head(300);
  head.location = "/";
  EXPECT_EQ(Check(Fresh(), head), "kFail BG_E_HTTP_ERROR_300");
}

TEST(ResponseCheckTest, OtherStatuses) {
  for (uint32_t status = 201; status < 600; ++status) {
    const bool known = status == 203 || status == 206 || status == 416;
    if (known) continue;
    const ResponsePlan plan = CheckResponse(Fresh(), Head(status), kResponseNow);
    EXPECT_EQ(plan.verdict, Verdict::kFail);
    EXPECT_EQ(plan.failure.hresult, domain::FromHttpStatus(status));
    EXPECT_EQ(plan.failure.http_status, status);
    EXPECT_EQ(plan.failure.context, domain::ErrorContext::kRemoteFile);
  }
  EXPECT_EQ(Check(Fresh(), Head(0)), "kFail ERROR_WINHTTP_INVALID_SERVER_RESPONSE");
  EXPECT_EQ(Check(Fresh(), Head(600)), "kFail ERROR_WINHTTP_INVALID_SERVER_RESPONSE");
  EXPECT_EQ(Check(Resumed(), Head(412)), "kRestartAnew kChanged");
  EXPECT_EQ(Check(Resumed(), Head(304)), "kFail BG_E_HTTP_ERROR_304");
}

TEST(ResponseCheckTest, RetryAfter) {
  ResponseHead head = Head(503);
  EXPECT_EQ(CheckResponse(Fresh(), head, kResponseNow).failure.retry_after, std::nullopt);
  head.retry_after = "30";
  EXPECT_EQ(CheckResponse(Fresh(), head, kResponseNow).failure.retry_after, absl::Seconds(30));
  head.retry_after = "later";
  EXPECT_EQ(CheckResponse(Fresh(), head, kResponseNow).failure.retry_after, std::nullopt);
}

TEST(ResponseCheckTest, AYoungLastModifiedIsNotKept) {
  const auto kept = [](const std::string& date) {
    ResponseHead head = Whole({"", kDate});
    head.date = date;
    return CheckResponse(Fresh(), head, kResponseNow).validators.last_modified;
  };
  EXPECT_EQ(kept(""), kDate);
  EXPECT_EQ(kept("Wed, 21 Oct 2015 07:28:01 GMT"), kDate);
  EXPECT_EQ(kept(kDate), "");
  EXPECT_EQ(kept("Wed, 21 Oct 2015 07:27:00 GMT"), "");
  EXPECT_EQ(kept("nonsense"), kDate);
}

// --- Files with ranges -------------------------------------------------------------------------

RangeRequest OfPart(uint64_t held, std::optional<uint64_t> last) {
  RangeRequest request;
  request.offset = held;
  if (held > 0) request.validators = {"\"v1\"", kDate};
  if (held > 0) request.total = kTotal;
  request.ranged = request.require_ranges = true;
  request.part = PartRequest{100, last};
  return request;
}

uint32_t FailureOf(const ResponsePlan& plan) {
  return plan.verdict == Verdict::kFail ? plan.failure.hresult : 0;
}

TEST(PartOfFile, IsAskedForByItsPlaceInTheRemoteFile) {
  EXPECT_EQ(RangeValue(OfPart(7, 299)), "bytes=100-299");
  EXPECT_EQ(RangeValue(OfPart(0, std::nullopt)), "bytes=100-");
  EXPECT_EQ(RangeValue(Resumed()), "bytes=100-");
}

TEST(PartOfFile, IsTakenWhereItIsWhatWasAskedFor) {
  for (uint64_t held : {0, 7}) {
    const ResponsePlan plan = CheckResponse(
        OfPart(held, 299), Part({"\"v1\"", kDate}, "bytes 100-299/1000"), kResponseNow);
    EXPECT_EQ(plan.verdict, Verdict::kPart);
    EXPECT_EQ(plan.body_size, 200u);
    EXPECT_EQ(plan.total, kTotal);
    // A server may give less at once.
    EXPECT_EQ(CheckResponse(OfPart(held, 299), Part({"\"v1\"", kDate}, "bytes 100-199/1000"),
                            kResponseNow)
                  .verdict,
              Verdict::kPart);
  }
}

TEST(PartOfFile, AnotherOneIsInvalidServerResponse) {
  for (const char* range : {"bytes 0-299/1000", "bytes 100-300/1000", "bytes 101-299/1000", ""}) {
    EXPECT_EQ(FailureOf(CheckResponse(OfPart(0, 299), Part({"\"v1\"", kDate}, range), kResponseNow)),
              domain::kInvalidServerResponse)
        << range;
  }
}

TEST(PartOfFile, ToTheEndTakesTheSize) {
  const ResponseHead sizeless = Part({"\"v1\"", kDate}, "bytes 100-999/*");
  EXPECT_EQ(FailureOf(CheckResponse(OfPart(0, std::nullopt), sizeless, kResponseNow)),
            domain::kMissingFileSize);
  EXPECT_EQ(CheckResponse(OfPart(0, 999), sizeless, kResponseNow).verdict, Verdict::kPart);
}

TEST(PartOfFile, WholeFileIsNoneButMayProveAnotherVersion) {
  EXPECT_EQ(FailureOf(CheckResponse(OfPart(0, 299), Whole(), kResponseNow)),
            domain::kInsufficientRangeSupport);
  EXPECT_EQ(FailureOf(CheckResponse(OfPart(7, 299), Whole(), kResponseNow)),
            domain::kInsufficientRangeSupport);
  EXPECT_EQ(CheckResponse(OfPart(7, 299), Whole({"\"v2\"", kOther}), kResponseNow).verdict,
            Verdict::kRestartAnew);
}

TEST(PartOfFile, OfAnotherVersionStartsOver) {
  EXPECT_EQ(CheckResponse(OfPart(7, 299), Part({"\"v2\"", kDate}, "bytes 100-299/1000"),
                          kResponseNow)
                .verdict,
            Verdict::kRestartAnew);
}

TEST(PartOfFile, UnsatisfiedIsInvalidRange) {
  ResponseHead head = Head(416);
  head.content_range = "bytes */50";
  EXPECT_EQ(FailureOf(CheckResponse(OfPart(0, 299), head, kResponseNow)), domain::kInvalidRange);
  EXPECT_EQ(CheckResponse(OfPart(7, 299), head, kResponseNow).verdict, Verdict::kRestartAnew);
}

}  // namespace
}  // namespace bits::transfer
