#include "tests/integration/transfer/engine_fixture.h"

#include "server/transfer/checksum.h"

#include <utility>

namespace bits::transfer {

RecordingObserver::RecordingObserver(const app::TransferSpec& spec, Hooks hooks)
    : hooks_(std::move(hooks)), file_(spec.file) {}

void RecordingObserver::Enter(const char* what) {
  EXPECT_EQ(end_, End::kNone) << what << " after the end";
  EXPECT_FALSE(restarting_ && std::string(what) == "checkpoint") << "a checkpoint while restarting";
  log_.emplace_back(what);
  changed_.SignalAll();
}

void RecordingObserver::OnBytesArrive() {
  MutexLock lock(mutex_);
  Enter("arrive");
  EXPECT_FALSE(arrived_) << "OnBytesArrive twice";
  arrived_ = true;
}

void RecordingObserver::OnRestart(app::RestartReason reason, std::function<void()> proceed) {
  MutexLock lock(mutex_);
  Enter("restart");
  EXPECT_NE(file_.bytes_transferred, 0u) << "OnRestart where nothing was recorded";
  EXPECT_FALSE(restarting_);
  restarts_.push_back(reason);
  restarting_ = true;
  proceed_ = [this, proceed = std::move(proceed)] {
    MutexLock inner(mutex_);
    restarting_ = false;
    file_.bytes_transferred = 0;
    file_.bytes_total.reset();
    file_.validators = {};
    file_.last_modified.reset();
    inner.Unlock();
    proceed();
    inner.Lock();
  };
  if (hooks_.hold_restarts) return;
  const std::function<void()> now = std::exchange(proceed_, nullptr);
  lock.Unlock();
  now();
  lock.Lock();
}

void RecordingObserver::Proceed() {
  MutexLock lock(mutex_);
  const std::function<void()> now = std::exchange(proceed_, nullptr);
  lock.Unlock();
  now();
  lock.Lock();
}

void RecordingObserver::OnCheckpoint(const domain::Checkpoint& checkpoint) {
  if (hooks_.on_checkpoint) hooks_.on_checkpoint(checkpoint);
  MutexLock lock(mutex_);
  Enter("checkpoint");
  EXPECT_TRUE(arrived_) << "OnCheckpoint before OnBytesArrive";
  EXPECT_GT(checkpoint.bytes_transferred, file_.bytes_transferred);
  checkpoints_.push_back(checkpoint);
  file_.bytes_transferred = checkpoint.bytes_transferred;
  file_.bytes_total = checkpoint.bytes_total;
  file_.validators = checkpoint.validators;
  file_.last_modified = checkpoint.last_modified;
}

void RecordingObserver::OnProgress(uint64_t bytes_arrived, std::optional<uint64_t> bytes_total) {
  MutexLock lock(mutex_);
  Enter("progress");
  ++progress_count_;
  progress_ = bytes_arrived;
  EXPECT_LE(bytes_arrived, bytes_total.value_or(bytes_arrived));
}

void RecordingObserver::OnTransferred(const domain::Checkpoint& last,
                                      const std::string& identity) {
  EXPECT_NE(identity, "");
  MutexLock lock(mutex_);
  Enter("transferred");
  const bool was_whole = file_.bytes_transferred == last.bytes_transferred;
  EXPECT_TRUE(arrived_ || was_whole) << "OnTransferred before OnBytesArrive";
  EXPECT_EQ(last.bytes_total, last.bytes_transferred);
  last_ = last;
  file_.bytes_transferred = last.bytes_transferred;
  file_.bytes_total = last.bytes_total;
  file_.validators = last.validators;
  file_.transferred = true;
  Finish(End::kTransferred);
}

void RecordingObserver::OnFailed(const domain::Failure& failure) {
  MutexLock lock(mutex_);
  Enter("failed");
  failure_ = failure;
  Finish(End::kFailed);
}

void RecordingObserver::OnStopped() {
  MutexLock lock(mutex_);
  Enter("stopped");
  Finish(End::kStopped);
}

void RecordingObserver::Finish(End end) {
  end_ = end;
  changed_.SignalAll();
}

RecordingObserver::End RecordingObserver::Wait(absl::Duration timeout) {
  MutexLock lock(mutex_);
  changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(timeout), [this] {
    mutex_.AssertHeld();
    return end_ != End::kNone;
  });
  return end_;
}

bool RecordingObserver::WaitForCheckpoint(uint64_t bytes) {
  MutexLock lock(mutex_);
  return changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(kLong), [&] {
    mutex_.AssertHeld();
    return !checkpoints_.empty() && checkpoints_.back().bytes_transferred >= bytes;
  });
}

bool RecordingObserver::WaitForRestart() {
  MutexLock lock(mutex_);
  return changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(kLong), [&] {
    mutex_.AssertHeld();
    return restarting_;
  });
}

bool RecordingObserver::WaitForProgress(uint64_t bytes) {
  MutexLock lock(mutex_);
  return changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(kLong), [&] {
    mutex_.AssertHeld();
    return progress_ >= bytes;
  });
}

std::vector<app::RestartReason> RecordingObserver::restarts() const {
  MutexLock lock(mutex_);
  return restarts_;
}
std::vector<domain::Checkpoint> RecordingObserver::checkpoints() const {
  MutexLock lock(mutex_);
  return checkpoints_;
}
domain::Checkpoint RecordingObserver::last() const {
  MutexLock lock(mutex_);
  return last_;
}
domain::Failure RecordingObserver::failure() const {
  MutexLock lock(mutex_);
  return failure_;
}
std::vector<std::string> RecordingObserver::log() const {
  MutexLock lock(mutex_);
  return log_;
}
size_t RecordingObserver::progress_count() const {
  MutexLock lock(mutex_);
  return progress_count_;
}

uint64_t RecordingObserver::progress() const {
  MutexLock lock(mutex_);
  return progress_;
}

domain::File RecordingObserver::Recorded() const {
  MutexLock lock(mutex_);
  return file_;
}

EngineTest::EngineTest()
    : origin_(testing::OriginServer::Start().value()),
      files_(platform::PosixFileSystem::Open({dir_.path()}).value()) {
  options_.proxy = "";
  options_.stall_timeout = absl::Seconds(20);
  options_.io_threads = 4;
}

EngineTest::~EngineTest() = default;

Engine& EngineTest::engine() {
  if (engine_ == nullptr) engine_ = Engine::Create(options_, files_.get(), &clock_).value();
  return *engine_;
}

app::TransferSpec EngineTest::Spec(const std::string& url, const std::string& name) const {
  app::TransferSpec spec;
  spec.job = "0e7ca4ae-5f4d-4a2b-9a0d-7c1e5a3a5b10";
  spec.attempt = 1;
  spec.file.ordinal = 1;
  spec.file.remote_name = url;
  spec.file.local_name = name;
  spec.file.path = dir_ / name;
  spec.file.temporary_path = dir_ / (name + ".part");
  return spec;
}

app::TransferSpec EngineTest::Resume(const std::string& content, uint64_t bytes,
                                     domain::Validators validators) {
  app::TransferSpec spec = Spec();
  spec.file.bytes_transferred = bytes;
  spec.file.bytes_total = content.size();
  spec.file.validators = std::move(validators);
  if (spec.file.validators.resource.empty()) {
    spec.file.validators.resource = Fingerprint(spec.file.remote_name);
  }
  testing::WriteFile(spec.file.temporary_path, content.substr(0, bytes));
  return spec;
}

app::TransferSpec EngineTest::Again(const RecordingObserver& observer) const {
  app::TransferSpec spec = Spec();
  spec.file = observer.Recorded();
  ++spec.attempt;
  return spec;
}

std::shared_ptr<RecordingObserver> EngineTest::Begin(const app::TransferSpec& spec,
                                                     RecordingObserver::Hooks hooks) {
  auto observer = std::make_shared<RecordingObserver>(spec, std::move(hooks));
  last_id_ = engine().Start(spec, observer);
  EXPECT_NE(last_id_, 0u);
  return observer;
}

std::shared_ptr<RecordingObserver> EngineTest::Run(const app::TransferSpec& spec,
                                                   RecordingObserver::Hooks hooks) {
  auto observer = Begin(spec, std::move(hooks));
  EXPECT_NE(observer->Wait(), End::kNone) << "it does not end";
  return observer;
}

std::shared_ptr<RecordingObserver> EngineTest::ExpectTransferred(const app::TransferSpec& spec,
                                                                 const std::string& content) {
  auto observer = Run(spec);
  EXPECT_EQ(observer->Wait(), End::kTransferred)
      << domain::SymbolOf(observer->failure().hresult) << ": " << observer->failure().detail;
  EXPECT_EQ(observer->last().bytes_transferred, content.size());
  EXPECT_TRUE(testing::ReadFileOr(spec.file.temporary_path, "nothing") == content)
      << "the content differs";
  return observer;
}

std::shared_ptr<RecordingObserver> EngineTest::ExpectFailed(const app::TransferSpec& spec,
                                                            domain::Hresult hresult,
                                                            domain::ErrorContext context) {
  auto observer = Run(spec);
  EXPECT_EQ(observer->Wait(), End::kFailed);
  EXPECT_EQ(domain::SymbolOf(observer->failure().hresult), domain::SymbolOf(hresult))
      << observer->failure().detail;
  EXPECT_EQ(observer->failure().context, context);
  EXPECT_FALSE(observer->failure().detail.empty());
  return observer;
}

std::string EngineTest::TemporaryContent(const std::string& name) const {
  return testing::ReadFileOr(dir_ / (name + ".part"), "");
}

}  // namespace bits::transfer
