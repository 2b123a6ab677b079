// file:// sources.

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/integration/transfer/engine_fixture.h"

namespace bits::transfer {
namespace {

using app::RestartReason;
using domain::FromWin32;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::MakeContent;

constexpr size_t kSize = 5'000'000;

class SourceTest : public EngineTest {
 protected:
  app::TransferSpec SourceSpec() const {
    return Spec("file://" + dir_.path() + "/source%20file");
  }
  void Write(const std::string& content) { testing::WriteFile(source_, content); }
  // As a rewrite at another time would.
  void SetTime(absl::Time time) {
    const timespec times[2] = {absl::ToTimespec(time), absl::ToTimespec(time)};
    ASSERT_EQ(::utimensat(AT_FDCWD, source_.c_str(), times, 0), 0);
  }
  const std::string source_ = dir_ / "source file";
  const std::string content_ = MakeContent(kSize, 1);
  const absl::Time time_ = absl::FromUnixSeconds(1445412480);
};

TEST_F(SourceTest, IsCopied) {
  Write(content_);
  SetTime(time_);
  auto observer = ExpectTransferred(SourceSpec(), content_);
  EXPECT_EQ(observer->last().last_modified, time_);
  EXPECT_EQ(observer->last().validators.last_modified, "Wed, 21 Oct 2015 07:28:00 GMT");
  EXPECT_TRUE(observer->last().validators.etag.starts_with('"'));
  EXPECT_EQ(observer->log().front(), "arrive");
}

TEST_F(SourceTest, NamesAreDecoded) {
  Write(content_);
  ExpectTransferred(Spec("file://localhost" + dir_.path() + "/source%20file"), content_);
  ExpectTransferred(Spec("FILE://" + dir_.path() + "/source%20file"), content_);
}

TEST_F(SourceTest, EmptyAndSmall) {
  for (const char* content : {"", "x"}) {
    Write(content);
    ExpectTransferred(SourceSpec(), content);
  }
}

TEST_F(SourceTest, GoesOnWhereItStopped) {
  Write(content_);
  options_.checkpoint_least = absl::ZeroDuration();
  auto first = ExpectTransferred(SourceSpec(), content_);
  app::TransferSpec spec = SourceSpec();
  spec.file.bytes_transferred = 2'000'000;
  spec.file.bytes_total = kSize;
  spec.file.validators = first->last().validators;
  // What is here is another's, to see that it is not copied again.
  const std::string mark = MakeContent(2'000'000, 9);
  testing::WriteFile(spec.file.temporary_path, mark);
  auto observer = ExpectTransferred(spec, mark + content_.substr(2'000'000));
  EXPECT_THAT(observer->restarts(), IsEmpty());
}

TEST_F(SourceTest, StartsOverIfItChanged) {
  Write(content_);
  SetTime(time_);
  auto first = ExpectTransferred(SourceSpec(), content_);
  app::TransferSpec spec = SourceSpec();
  spec.file.bytes_transferred = 2'000'000;
  spec.file.bytes_total = kSize;
  spec.file.validators = first->last().validators;
  const std::string changed = MakeContent(kSize, 2);
  Write(changed);
  SetTime(time_ + absl::Nanoseconds(1));
  auto observer = ExpectTransferred(spec, changed);
  EXPECT_THAT(observer->restarts(), ElementsAre(RestartReason::kChanged));

  // Another file under its name.
  testing::WriteFile(dir_ / "other", content_);
  std::filesystem::rename(dir_ / "other", source_);
  SetTime(time_);
  testing::WriteFile(spec.file.temporary_path, std::string(2'000'000, 'x'));
  observer = ExpectTransferred(spec, content_);
  EXPECT_THAT(observer->restarts(), ElementsAre(RestartReason::kChanged));
}

// It changed after its last byte was read, or before: nobody has looked since.
TEST_F(SourceTest, ThatIsAllHereIsLookedAtAgain) {
  Write(content_);
  SetTime(time_);
  auto first = ExpectTransferred(SourceSpec(), content_);
  app::TransferSpec spec = Again(*first);
  spec.file.transferred = false;
  auto observer = ExpectTransferred(spec, content_);
  EXPECT_THAT(observer->restarts(), IsEmpty());
  const std::string changed = MakeContent(kSize, 2);
  Write(changed);
  SetTime(time_ + absl::Seconds(1));
  observer = ExpectTransferred(spec, changed);
  EXPECT_THAT(observer->restarts(), ElementsAre(RestartReason::kChanged));
}

TEST_F(SourceTest, ChangesWhileItIsCopied) {
  const std::string changed = MakeContent(kSize * 8, 2);
  Write(MakeContent(kSize * 8, 1));
  SetTime(time_);
  options_.checkpoint_least = absl::ZeroDuration();
  options_.checkpoint_bytes = 1;
  bool done = false;
  auto observer = Run(SourceSpec(), {.on_checkpoint = [&](const domain::Checkpoint&) {
                        if (!std::exchange(done, true)) Write(changed);
                      }});
  EXPECT_EQ(observer->Wait(), End::kTransferred);
  EXPECT_THAT(observer->restarts(), ElementsAre(RestartReason::kChanged));
  EXPECT_TRUE(TemporaryContent() == changed);
}

TEST_F(SourceTest, ChangesAllTheTime) {
  Write(MakeContent(kSize * 8, 1));
  options_.checkpoint_least = absl::ZeroDuration();
  options_.checkpoint_bytes = 1;
  options_.max_restarts = 2;
  int64_t seconds = 0;
  auto observer = Run(SourceSpec(), {.on_checkpoint = [&](const domain::Checkpoint&) {
                        SetTime(time_ + absl::Seconds(++seconds));
                      }});
  EXPECT_EQ(observer->Wait(), End::kFailed);
  EXPECT_EQ(observer->failure().hresult, domain::kRemoteFileChanged);
  EXPECT_EQ(observer->restarts().size(), 2u);
}

TEST_F(SourceTest, Failures) {
  ExpectFailed(SourceSpec(), FromWin32(2));  // ERROR_FILE_NOT_FOUND, context remote file
  ExpectFailed(Spec("file:///etc/passwd"), domain::kAccessDenied);
  ExpectFailed(Spec("file://" + dir_.path() + "/../x"), domain::kAccessDenied);
  std::filesystem::create_directory(dir_ / "directory");
  ExpectFailed(Spec("file://" + (dir_ / "directory")), domain::kAccessDenied);
  ASSERT_EQ(::mkfifo((dir_ / "fifo").c_str(), 0600), 0);
  ExpectFailed(Spec("file://" + (dir_ / "fifo")), domain::kAccessDenied);
  std::filesystem::create_symlink("/etc/passwd", dir_ / "link");
  ExpectFailed(Spec("file://" + (dir_ / "link")), domain::kAccessDenied);
}

TEST_F(SourceTest, IsStopped) {
  Write(MakeContent(kSize * 80, 1));
  options_.checkpoint_least = absl::ZeroDuration();
  auto observer = Begin(SourceSpec());
  EXPECT_TRUE(observer->WaitForCheckpoint(1));
  engine().Stop(last_id());
  EXPECT_THAT(observer->Wait(), ::testing::AnyOf(End::kStopped, End::kTransferred));
  const uint64_t here = observer->Recorded().bytes_transferred;
  EXPECT_TRUE(TemporaryContent().substr(0, here) == MakeContent(kSize * 80, 1).substr(0, here));
}

TEST_F(SourceTest, ManyAtOnce) {
  Write(content_);
  std::vector<std::shared_ptr<RecordingObserver>> observers;
  for (int i = 0; i < 50; ++i) {
    observers.push_back(Begin(Spec(SourceSpec().file.remote_name, std::to_string(i))));
  }
  for (size_t i = 0; i < observers.size(); ++i) {
    EXPECT_EQ(observers[i]->Wait(), End::kTransferred);
    EXPECT_TRUE(TemporaryContent(std::to_string(i)) == content_);
  }
}

}  // namespace
}  // namespace bits::transfer
