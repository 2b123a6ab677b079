// A resumed transfer is one version or starts again, and says so.

#include "tests/integration/transfer/engine_fixture.h"

namespace bits::transfer {
namespace {

using app::RestartReason;
using domain::Validators;
using testing::Behavior;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::MakeContent;
using testing::Resource;

constexpr size_t kSize = 3'000'000;
constexpr uint64_t kHere = 1'234'567;
const char* const kOldDate = "Wed, 21 Oct 2015 07:28:00 GMT";
const char* const kNewDate = "Thu, 22 Oct 2015 07:28:00 GMT";

class ResumeTest : public EngineTest {
 protected:
  // What stands at the origin now.
  void Origin(const std::string& content, const std::string& etag, const std::string& last_modified,
              Behavior behavior = {}) {
    Resource resource;
    resource.body = std::make_shared<std::string>(content);
    resource.etag = etag;
    resource.last_modified = last_modified;
    resource.behavior = std::move(behavior);
    origin_->Put("/f", std::move(resource));
  }

  std::string Header(size_t request, const std::string& name) const {
    return origin_->Requests("/f").at(request).Header(name);
  }

  const std::string old_ = MakeContent(kSize, 1);
  const std::string new_ = MakeContent(kSize, 2);
};

TEST_F(ResumeTest, TheSameVersionGoesOn) {
  Origin(old_, "\"v1\"", kOldDate);
  auto observer = ExpectTransferred(Resume(old_, kHere), old_);
  EXPECT_THAT(observer->restarts(), IsEmpty());
  EXPECT_EQ(Header(0, "range"), "bytes=1234567-");
  EXPECT_EQ(Header(0, "if-range"), "\"v1\"");
  EXPECT_EQ(origin_->BytesSent("/f"), kSize - kHere);
  EXPECT_EQ(observer->last().validators.etag, "\"v1\"");
  EXPECT_EQ(observer->last().validators.last_modified, kOldDate);
}

TEST_F(ResumeTest, LastModifiedProvesItWhereThereIsNoStrongETag) {
  for (const char* etag : {"", "W/\"v1\""}) {
    Origin(old_, etag, kOldDate);
    auto observer = ExpectTransferred(Resume(old_, kHere, {etag, kOldDate}), old_);
    EXPECT_THAT(observer->restarts(), IsEmpty());
    EXPECT_EQ(Header(origin_->RequestCount("/f") - 1, "if-range"), kOldDate);
  }
}

TEST_F(ResumeTest, WithoutProofItStartsOver) {
  for (const char* etag : {"", "W/\"v1\""}) {
    Origin(old_, etag, "");
    auto observer = ExpectTransferred(Resume(old_, kHere, {etag, ""}), old_);
    EXPECT_THAT(observer->restarts(), ElementsAre(RestartReason::kUnproven));
    EXPECT_EQ(Header(origin_->RequestCount("/f") - 1, "range"), "");
  }
}

struct Change {
  const char* name;
  const char* etag;
  const char* last_modified;
};

class ChangedTest : public ResumeTest, public ::testing::WithParamInterface<Change> {};

// The origin has another version of the same size; what it recorded of the old was complete.
INSTANTIATE_TEST_SUITE_P(Changes, ChangedTest,
                         ::testing::Values(Change{"Both", "\"v2\"", kNewDate},
                                           Change{"ETagOnly", "\"v2\"", kOldDate},
                                           Change{"LastModifiedOnly", "\"v1\"", kNewDate},
                                           Change{"WeakETag", "W/\"v1\"", kOldDate},
                                           Change{"NoValidatorsNow", "", ""}),
                         [](const auto& test) { return test.param.name; });

TEST_P(ChangedTest, IfRangeHonoured) {
  Origin(new_, GetParam().etag, GetParam().last_modified);
  auto observer = ExpectTransferred(Resume(old_, kHere), new_);
  EXPECT_EQ(observer->restarts().size(), 1u);
}

TEST_P(ChangedTest, IfRangeIgnored) {
  Origin(new_, GetParam().etag, GetParam().last_modified, {.ignore_if_range = true});
  auto observer = ExpectTransferred(Resume(old_, kHere), new_);
  EXPECT_EQ(observer->restarts().size(), 1u);
  EXPECT_EQ(origin_->RequestCount("/f"), 2u);
  EXPECT_EQ(Header(1, "range"), "");
}

TEST_P(ChangedTest, RangeIgnored) {
  Origin(new_, GetParam().etag, GetParam().last_modified, {.ignore_range = true});
  auto observer = ExpectTransferred(Resume(old_, kHere), new_);
  EXPECT_EQ(observer->restarts().size(), 1u);
  EXPECT_EQ(origin_->RequestCount("/f"), 1u);
}

// A server that proves the version by Last-Modified alone.
TEST_F(ResumeTest, LastModifiedAloneHasChanged) {
  for (bool ignore : {false, true}) {
    Origin(new_, "", kNewDate, {.ignore_if_range = ignore});
    auto observer = ExpectTransferred(Resume(old_, kHere, {"", kOldDate}), new_);
    EXPECT_THAT(observer->restarts(), ElementsAre(RestartReason::kChanged));
  }
}

TEST_F(ResumeTest, AnotherTotalIsAnotherVersion) {
  const std::string longer = new_ + "more";
  Origin(longer, "\"v1\"", kOldDate, {.ignore_if_range = true});
  auto observer = ExpectTransferred(Resume(old_, kHere), longer);
  EXPECT_THAT(observer->restarts(), ElementsAre(RestartReason::kChanged));
}

TEST_F(ResumeTest, AServerThatGivesNoParts) {
  Origin(old_, "\"v1\"", kOldDate, {.ignore_range = true});
  auto observer = ExpectTransferred(Resume(old_, kHere), old_);
  EXPECT_THAT(observer->restarts(), ElementsAre(RestartReason::kNoRanges));
  EXPECT_EQ(origin_->RequestCount("/f"), 1u);  // the very response is used
}

TEST_F(ResumeTest, AServerThatDislikesIfRange) {
  Origin(old_, "\"v1\"", kOldDate, {.refuse_if_range = true});
  auto observer = ExpectTransferred(Resume(old_, kHere), old_);
  EXPECT_THAT(observer->restarts(), ElementsAre(RestartReason::kNoRanges));
}

TEST_F(ResumeTest, TheWrongPartIsNotTaken) {
  for (const char* range : {"bytes 0-2999999/3000000", "bytes 1234568-2999999/3000000",
                            "bytes 1234567-2999999", "nonsense", ""}) {
    SCOPED_TRACE(range);
    Origin(old_, "\"v1\"", kOldDate, {.content_range = range});
    auto observer = ExpectTransferred(Resume(old_, kHere), old_);
    EXPECT_THAT(observer->restarts(), ElementsAre(RestartReason::kNoRanges));
  }
}

TEST_F(ResumeTest, APartLongerThanItsContentRange) {
  Origin(
      old_, "\"v1\"", kOldDate,
      {.content_range = "bytes 1234567-1234999/3000000", .framing = Behavior::Framing::kChunked});
  auto observer = ExpectFailed(Resume(old_, kHere), domain::kInvalidHttpResponse);
  EXPECT_LE(observer->Recorded().bytes_transferred, 1235000u);
}

TEST_F(ResumeTest, ContentRangeAndContentLengthDisagree) {
  Origin(old_, "\"v1\"", kOldDate, {.content_range = "bytes 1234567-1234999/3000000"});
  ExpectFailed(Resume(old_, kHere), domain::kInvalidHttpResponse);
}

TEST_F(ResumeTest, PartsMayBeShorterThanAskedFor) {
  Origin(old_, "\"v1\"", kOldDate, {.part_limit = 700'000});
  auto observer = ExpectTransferred(Resume(old_, kHere), old_);
  EXPECT_THAT(observer->restarts(), IsEmpty());
  EXPECT_EQ(origin_->RequestCount("/f"), 3u);
  EXPECT_EQ(Header(1, "range"), "bytes=1934567-");
}

// Such a part does not tell whether the file ends with it.
TEST_F(ResumeTest, APartOfAnUnknownWhole) {
  Origin(old_, "\"v1\"", kOldDate, {.part_limit = 700'000});
  app::TransferSpec spec = Resume(old_, kHere);
  spec.file.bytes_total.reset();
  origin_->Script("/f", {{.content_range = "bytes 1234567-1934566/*", .part_limit = 700'000}});
  auto observer = ExpectTransferred(spec, old_);
  EXPECT_THAT(observer->restarts(), IsEmpty());
  EXPECT_EQ(Header(1, "range"), "bytes=1934567-");
}

// An ETag tells versions of one resource apart; "1" of another is another "1".
TEST_F(ResumeTest, TheSameETagOfAnotherUrlProvesNothing) {
  Origin(new_, "\"v1\"", "");
  app::TransferSpec spec = Resume(old_, kHere, {"\"v1\"", ""});
  spec.file.validators.resource = "of another URL";
  EXPECT_THAT(ExpectTransferred(spec, new_)->restarts(), ElementsAre(RestartReason::kUnproven));
}

TEST_F(ResumeTest, AMirrorWithTheSameETagTimeAndSizeGoesOn) {
  Origin(old_, "\"v1\"", kOldDate);
  app::TransferSpec spec = Resume(old_, kHere);
  spec.file.validators.resource = "of another URL";
  EXPECT_THAT(ExpectTransferred(spec, old_)->restarts(), IsEmpty());
  EXPECT_EQ(origin_->BytesSent("/f"), kSize - kHere);
}

TEST_F(ResumeTest, TheTemporaryFileIsGone) {
  Origin(old_, "\"v1\"", kOldDate);
  app::TransferSpec spec = Resume(old_, kHere);
  BITS_ASSERT_OK(files_->Remove(spec.file.temporary_path));
  auto observer = ExpectTransferred(spec, old_);
  EXPECT_THAT(observer->restarts(), ElementsAre(RestartReason::kLost));
}

TEST_F(ResumeTest, TheTemporaryFileIsTooShort) {
  Origin(old_, "\"v1\"", kOldDate);
  app::TransferSpec spec = Resume(old_, kHere);
  testing::WriteFile(spec.file.temporary_path, old_.substr(0, kHere - 1));
  auto observer = ExpectTransferred(spec, old_);
  EXPECT_THAT(observer->restarts(), ElementsAre(RestartReason::kLost));
}

TEST_F(ResumeTest, WhatWasNotRecordedIsNotTrusted) {
  Origin(old_, "\"v1\"", kOldDate);
  app::TransferSpec spec = Resume(old_, kHere);
  testing::WriteFile(spec.file.temporary_path, old_.substr(0, kHere) + MakeContent(kSize, 7));
  auto observer = ExpectTransferred(spec, old_);
  EXPECT_THAT(observer->restarts(), IsEmpty());
  EXPECT_EQ(Header(0, "range"), "bytes=1234567-");
}

TEST_F(ResumeTest, WhatIsAllHereIsNotAskedFor) {
  auto observer = ExpectTransferred(Resume(old_, kSize), old_);
  EXPECT_THAT(observer->log(), ElementsAre("transferred")) << "nobody says that a host is there";
  EXPECT_EQ(origin_->RequestCount("/f"), 0u);
  // Not even where nothing proves the version: it is of one, and whole.
  ExpectTransferred(Resume(old_, kSize, {}), old_);
}

// The remote name was changed between the last checkpoint and the record of the end.
TEST_F(ResumeTest, WhatIsAllHereOfAnotherUrlIsNotTakenForThisOnes) {
  Origin(new_, "\"v2\"", kNewDate);
  app::TransferSpec spec = Resume(
      old_, kSize, {"\"v1\"", kOldDate, Fingerprint(origin_->Url("/elsewhere"))});
  auto observer = ExpectTransferred(spec, new_);
  EXPECT_THAT(observer->restarts(), ElementsAre(RestartReason::kChanged));
  spec = Resume(old_, kSize, {"", "", Fingerprint(origin_->Url("/elsewhere"))});
  observer = ExpectTransferred(spec, new_);
  EXPECT_THAT(observer->restarts(), ElementsAre(RestartReason::kUnproven));
  // All parts of a file with ranges: there is nothing left that could be asked for.
  spec = Resume(old_.substr(10, 100), 100,
                {"\"v1\"", kOldDate, Fingerprint(origin_->Url("/elsewhere")), kSize});
  spec.file.ranges = {{10, 100}};
  observer = ExpectTransferred(spec, new_.substr(10, 100));
  EXPECT_THAT(observer->restarts(), ElementsAre(RestartReason::kUnproven));
}

TEST_F(ResumeTest, WhatIsAllHereOfWhereARedirectLedIsAskedAbout) {
  Origin(old_, "\"v1\"", kOldDate);
  origin_->Put("/r", "", {.status = 302, .headers = {{"Location", origin_->Url("/f")}}});
  app::TransferSpec spec = Resume(old_, kSize);
  spec.file.remote_name = origin_->Url("/r");
  auto observer = ExpectTransferred(spec, old_);
  EXPECT_THAT(observer->restarts(), IsEmpty());
  EXPECT_EQ(Header(0, "range"), "bytes=3000000-");
}

TEST_F(ResumeTest, WhatWasAllHereIsGone) {
  Origin(new_, "\"v2\"", kNewDate);
  app::TransferSpec spec = Resume(old_, kSize);
  testing::WriteFile(spec.file.temporary_path, old_.substr(0, kHere));
  auto observer = ExpectTransferred(spec, new_);
  EXPECT_THAT(observer->restarts(), ElementsAre(RestartReason::kLost));
}

// 416: the length was not known when all had come.
TEST_F(ResumeTest, NothingIsLeft) {
  Origin(old_, "\"v1\"", kOldDate);
  app::TransferSpec spec = Resume(old_, kSize);
  spec.file.bytes_total.reset();
  auto observer = ExpectTransferred(spec, old_);
  EXPECT_THAT(observer->restarts(), IsEmpty());
  EXPECT_EQ(Header(0, "range"), "bytes=3000000-");
}

TEST_F(ResumeTest, NothingIsLeftOfAnotherVersion) {
  Origin(new_, "\"v2\"", kNewDate, {.ignore_if_range = true});
  app::TransferSpec spec = Resume(old_, kSize);
  spec.file.bytes_total.reset();
  auto observer = ExpectTransferred(spec, new_);
  EXPECT_THAT(observer->restarts(), ElementsAre(RestartReason::kChanged));
}

TEST_F(ResumeTest, NothingIsLeftButWhoKnows) {
  Origin(old_, "", "", {.ignore_if_range = true});
  app::TransferSpec spec = Resume(old_, kSize);
  spec.file.bytes_total.reset();
  auto observer = ExpectTransferred(spec, old_);
  EXPECT_THAT(observer->restarts(), ElementsAre(RestartReason::kUnproven));
}

TEST_F(ResumeTest, ItIsShorterNow) {
  const std::string shorter = new_.substr(0, 1000);
  Origin(shorter, "\"v1\"", kOldDate, {.ignore_if_range = true});
  auto observer = ExpectTransferred(Resume(old_, kHere), shorter);
  EXPECT_THAT(observer->restarts(), ElementsAre(RestartReason::kChanged));
}

TEST_F(ResumeTest, ItIsEmptyNow) {
  for (bool ignore : {false, true}) {
    Origin("", "\"v2\"", kNewDate, {.ignore_range = ignore});
    auto observer = ExpectTransferred(Resume(old_, kHere), "");
    EXPECT_THAT(observer->restarts(), ElementsAre(RestartReason::kChanged));
  }
}

TEST_F(ResumeTest, NothingIsWrittenBeforeLeaveIsGiven) {
  for (const Behavior& behavior : {Behavior(), Behavior{.ignore_if_range = true}}) {
    Origin(new_, "\"v2\"", kNewDate, behavior);
    auto observer = Begin(Resume(old_, kHere), {.hold_restarts = true});
    ASSERT_TRUE(observer->WaitForRestart());
    EXPECT_EQ(observer->Wait(absl::Milliseconds(100)), End::kNone);
    EXPECT_TRUE(TemporaryContent() == old_.substr(0, kHere));
    observer->Proceed();
    EXPECT_EQ(observer->Wait(), End::kTransferred);
    EXPECT_TRUE(TemporaryContent() == new_);
  }
}

TEST_F(ResumeTest, StoppedBeforeLeaveIsGiven) {
  Origin(new_, "\"v2\"", kNewDate);
  auto observer = Begin(Resume(old_, kHere), {.hold_restarts = true});
  ASSERT_TRUE(observer->WaitForRestart());
  engine().Stop(last_id());
  EXPECT_EQ(observer->Wait(), End::kStopped);
  EXPECT_THAT(observer->log(), ElementsAre("restart", "stopped"));
  EXPECT_TRUE(TemporaryContent() == old_.substr(0, kHere));
  observer->Proceed();  // too late, and harmless
  DropEngine();
  EXPECT_TRUE(TemporaryContent() == old_.substr(0, kHere));
}

TEST_F(ResumeTest, LeaveMayBeGivenAfterTheEngineIsGone) {
  Origin(new_, "\"v2\"", kNewDate);
  auto observer = Begin(Resume(old_, kHere), {.hold_restarts = true});
  ASSERT_TRUE(observer->WaitForRestart());
  DropEngine();
  EXPECT_EQ(observer->Wait(), End::kStopped);
  observer->Proceed();
}

// Every part is of another version: after a few of them it is given up.
TEST_F(ResumeTest, AFileThatChangesAllTheTime) {
  Origin(old_, "", "");
  std::vector<Behavior> behaviors;
  for (int i = 0; i < 30; ++i) {
    behaviors.push_back({.headers = {{"ETag", "\"" + std::to_string(i) + "\""}},
                         .ignore_if_range = true,
                         .part_limit = 1'000'000});
  }
  origin_->Script("/f", behaviors);
  app::TransferSpec spec = Spec();
  spec.require_ranges = true;
  options_.max_restarts = 3;
  ExpectFailed(spec, domain::kRemoteFileChanged);
  EXPECT_EQ(origin_->RequestCount("/f"), 8u);  // four times a first part and a second
}

// Each try is cut off; what came is kept, and the next goes on from there.
TEST_F(ResumeTest, ConnectionsThatAreCutOff) {
  for (bool reset : {false, true}) {
    Origin(old_, "\"v1\"", kOldDate, {.cut_after = 800'000, .reset = reset});
    app::TransferSpec spec = Spec();
    uint64_t before = 0;
    int tries = 0;
    while (true) {
      auto observer = Run(spec);
      ASSERT_THAT(observer->restarts(), IsEmpty());
      if (observer->Wait() == End::kTransferred) break;
      ASSERT_LT(++tries, 20);
      EXPECT_EQ(domain::SymbolOf(observer->failure().hresult),
                domain::SymbolOf(domain::kConnectionError));
      spec = Again(*observer);
      // A reset may take with it what was not yet read.
      if (!reset) {
        EXPECT_EQ(spec.file.bytes_transferred, before + 800'000);
      }
      before = spec.file.bytes_transferred;
      // On a busy machine resets may take all there is, time and again: in the end there are none.
      if (reset && tries > 5) {
        Origin(old_, "\"v1\"", kOldDate, {});
      } else {
        Origin(old_, "\"v1\"", kOldDate, {.cut_after = 800'000, .reset = reset});
      }
    }
    EXPECT_TRUE(TemporaryContent() == old_);
    BITS_ASSERT_OK(files_->Remove(spec.file.temporary_path));
  }
}

// A Last-Modified as young as the response may stand for two versions of one second.
TEST_F(ResumeTest, AFreshLastModifiedProvesNothing) {
  const std::string now = "Wed, 21 Oct 2015 07:28:00 GMT";
  Origin(old_, "", now, {.headers = {{"Date", now}}, .cut_after = 1'000'000});
  auto observer = ExpectFailed(Spec(), domain::kConnectionError);
  EXPECT_EQ(observer->Recorded().validators, (Validators{"", "", Fingerprint(origin_->Url("/f"))}));
  EXPECT_EQ(observer->Recorded().last_modified, absl::FromUnixSeconds(1445412480));
  Origin(new_, "", now, {.headers = {{"Date", now}}});
  auto again = ExpectTransferred(Again(*observer), new_);
  EXPECT_THAT(again->restarts(), ElementsAre(RestartReason::kUnproven));
}

class RequireRangesTest : public ResumeTest {
 protected:
  app::TransferSpec Require(app::TransferSpec spec) const {
    spec.require_ranges = true;
    return spec;
  }
};

TEST_F(RequireRangesTest, AServerThatGivesThem) {
  Origin(old_, "\"v1\"", kOldDate);
  ExpectTransferred(Require(Spec()), old_);
  EXPECT_EQ(Header(0, "range"), "bytes=0-");
  ExpectTransferred(Require(Resume(old_, kHere)), old_);
}

TEST_F(RequireRangesTest, AnEmptyFile) {
  Origin("", "\"v1\"", kOldDate);
  auto observer = ExpectTransferred(Require(Spec()), "");
  EXPECT_THAT(observer->log(), ElementsAre("arrive", "transferred"));
}

TEST_F(RequireRangesTest, PartsOnly) {
  Origin(old_, "\"v1\"", kOldDate, {.part_limit = 1'000'000});
  ExpectTransferred(Require(Spec()), old_);
  EXPECT_EQ(origin_->RequestCount("/f"), 3u);
}

TEST_F(RequireRangesTest, AServerThatDoesNot) {
  Origin(old_, "\"v1\"", kOldDate, {.ignore_range = true, .accept_ranges = false});
  ExpectFailed(Require(Spec()), domain::kInsufficientRangeSupport);
  ExpectFailed(Require(Resume(old_, kHere)), domain::kInsufficientRangeSupport);
  EXPECT_TRUE(TemporaryContent() == old_.substr(0, kHere));
}

TEST_F(RequireRangesTest, ANewVersionIsNoError) {
  Origin(new_, "\"v2\"", kNewDate);
  auto observer = ExpectTransferred(Require(Resume(old_, kHere)), new_);
  EXPECT_THAT(observer->restarts(), ElementsAre(RestartReason::kChanged));
}

TEST_F(RequireRangesTest, AServerThatDoesNotSayHowLong) {
  Origin(old_, "\"v1\"", kOldDate, {.ignore_range = true, .framing = Behavior::Framing::kChunked});
  ExpectFailed(Require(Spec()), domain::kMissingFileSize);
}

TEST_F(RequireRangesTest, AServerThatGivesAnotherPart) {
  Origin(old_, "\"v1\"", kOldDate, {.content_range = "bytes 5-2999999/3000000"});
  ExpectFailed(Require(Resume(old_, kHere)), domain::kInvalidServerResponse);
}

}  // namespace
}  // namespace bits::transfer
