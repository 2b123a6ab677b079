// What is told of data when writing it, or making it durable, fails.

#include <atomic>

#include "server/platform/file_error.h"
#include "tests/integration/transfer/engine_fixture.h"

namespace bits::transfer {
namespace {

using ::testing::IsEmpty;
using testing::MakeContent;

// A file system whose files fail from a certain moment on.
class BrokenFileSystem final : public app::FileSystem {
 public:
  explicit BrokenFileSystem(app::FileSystem* inner) : inner_(inner) {}

  std::atomic<int64_t> writes_left = INT64_MAX;  // then EIO
  std::atomic<int64_t> syncs_left = INT64_MAX;   // then EIO, once; as Linux does
  std::atomic<int64_t> truncates_left = INT64_MAX;

  absl::StatusOr<std::string> Resolve(std::string_view name) const override {
    return inner_->Resolve(name);
  }
  std::string RootOf(std::string_view path) const override { return inner_->RootOf(path); }
  absl::StatusOr<domain::FileKind> Look(const std::string& path) override {
    return inner_->Look(path);
  }
  absl::StatusOr<std::unique_ptr<app::LocalFile>> OpenSource(const std::string& path) override {
    return inner_->OpenSource(path);
  }
  absl::StatusOr<std::unique_ptr<app::LocalFile>> OpenTemporary(const std::string& path,
                                                                bool anew) override {
    auto file = inner_->OpenTemporary(path, anew);
    if (!file.ok()) return file.status();
    return std::make_unique<File>(this, *std::move(file));
  }
  absl::Status Publish(const std::vector<app::Publication>& files, size_t* done) override {
    return inner_->Publish(files, done);
  }
  absl::Status Remove(const std::string& path) override { return inner_->Remove(path); }

 private:
  class File final : public app::LocalFile {
   public:
    File(BrokenFileSystem* owner, std::unique_ptr<app::LocalFile> inner)
        : owner_(owner), inner_(std::move(inner)) {}
    absl::Status WriteAt(uint64_t offset, std::string_view data) override {
      if (owner_->writes_left-- <= 0) return platform::FileError(EIO, "write", "it");
      return inner_->WriteAt(offset, data);
    }
    absl::StatusOr<size_t> ReadAt(uint64_t offset, char* buffer, size_t size) override {
      return inner_->ReadAt(offset, buffer, size);
    }
    absl::Status Truncate(uint64_t size) override {
      if (owner_->truncates_left-- <= 0) return platform::FileError(EIO, "truncate", "it");
      return inner_->Truncate(size);
    }
    absl::Status Reserve(uint64_t size) override { return inner_->Reserve(size); }
    absl::Status Sync() override {
      if (owner_->syncs_left-- == 0) return platform::FileError(EIO, "sync", "it");
      return inner_->Sync();
    }
    absl::StatusOr<uint64_t> Size() override { return inner_->Size(); }
    absl::StatusOr<absl::Time> ModificationTime() override { return inner_->ModificationTime(); }
    absl::StatusOr<std::string> Identity() override { return inner_->Identity(); }

   private:
    BrokenFileSystem* const owner_;
    const std::unique_ptr<app::LocalFile> inner_;
  };

  app::FileSystem* const inner_;
};

class BrokenDiskTest : public EngineTest {
 protected:
  BrokenDiskTest() {
    origin_->Put("/f", content_);
    options_.checkpoint_least = absl::ZeroDuration();
    options_.checkpoint_bytes = 1;
  }
  ~BrokenDiskTest() override { DropEngine(); }

  std::shared_ptr<RecordingObserver> RunBroken(const app::TransferSpec& spec) {
    auto engine = Engine::Create(options_, &broken_, &clock_).value();
    auto observer = std::make_shared<RecordingObserver>(spec);
    engine->Start(spec, observer);
    EXPECT_EQ(observer->Wait(), End::kFailed);
    EXPECT_EQ(observer->failure().hresult, domain::kIoDevice);
    EXPECT_EQ(observer->failure().context, domain::ErrorContext::kLocalFile);
    return observer;
  }

  const std::string content_ = MakeContent(8'000'000, 1);
  BrokenFileSystem broken_{files_.get()};
};

TEST_F(BrokenDiskTest, AWriteFails) {
  broken_.writes_left = 5;
  auto observer = RunBroken(Spec());
  const uint64_t kept = observer->Recorded().bytes_transferred;
  EXPECT_GT(kept, 0u);
  EXPECT_TRUE(TemporaryContent().substr(0, kept) == content_.substr(0, kept));
}

TEST_F(BrokenDiskTest, TheFirstWriteFails) {
  broken_.writes_left = 0;
  EXPECT_THAT(RunBroken(Spec())->checkpoints(), IsEmpty());
}

// The next Sync succeeds, as fsync does after it has told of an error: it proves nothing.
TEST_F(BrokenDiskTest, ASyncFails) {
  broken_.syncs_left = 0;
  EXPECT_THAT(RunBroken(Spec())->checkpoints(), IsEmpty());
}

TEST_F(BrokenDiskTest, TheLastSyncFails) {
  options_.checkpoint_bytes = uint64_t{1} << 40;
  options_.checkpoint_most = absl::Hours(1);
  broken_.syncs_left = 0;
  EXPECT_THAT(RunBroken(Spec())->checkpoints(), IsEmpty());
}

TEST_F(BrokenDiskTest, TheRestartFails) {
  broken_.truncates_left = 0;
  auto observer = RunBroken(Resume(content_, 1000, {}));
  EXPECT_EQ(observer->restarts().size(), 1u);
  EXPECT_THAT(observer->checkpoints(), IsEmpty());
}

}  // namespace
}  // namespace bits::transfer
