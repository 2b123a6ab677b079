#include "server/transfer/application_caller.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/status_macros.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"
#include "server/transfer/curl_handle.h"
#include "server/transfer/failure.h"

namespace bits::transfer {
namespace {

constexpr size_t kCallPiece = size_t{64} << 10;
// Of an answer that is not kept; then it is cut off, its status counts.
constexpr uint64_t kMostIgnored = uint64_t{64} << 10;
constexpr absl::Duration kApplicationConnectTimeout = absl::Seconds(15);

// The value of a header line, if it is this one's.
std::optional<std::string> ValueOf(std::string_view line, std::string_view name) {
  if (line.size() <= name.size() || line[name.size()] != ':' ||
      !absl::EqualsIgnoreCase(Av(line.substr(0, name.size())), Av(name))) {
    return std::nullopt;
  }
  return std::string(absl::StripAsciiWhitespace(Av(line.substr(name.size() + 1))));
}

}  // namespace

// On the loop, but for what it posts to the disk, which has the buffers meanwhile.
class ApplicationCaller::Call final : public MultiDriver::Request,
                                      public std::enable_shared_from_this<Call> {
 public:
  Call(ApplicationCaller* caller, app::ApplicationRequest request, Done done)
      : caller_(caller), request_(std::move(request)), done_(std::move(done)) {}

  void Start();
  // `caller_` is about to go: what the disk still does ends unheard.
  void Cancel() {
    done_ = nullptr;
    if (easy_ != nullptr) caller_->multi_->Cancel(easy_.get());
    easy_ = nullptr;
  }
  void OnDone(const MultiDriver::Outcome& outcome) override;

 private:
  void Open();
  void SetOptions();
  size_t Give(char* buffer, size_t size);
  size_t Take(std::string_view data);
  void Header(std::string_view line);
  void ReadNext();
  void WriteNext();
  void Conclude();
  void Answer(domain::ApplicationAnswer answer);
  void Fail(const absl::Status& status);

  // Runs `work` on the disk's executor, and `then`, if this is still of interest, on the loop.
  void OnDisk(std::function<absl::Status()> work, const std::function<void()>& then) {
    disk_busy_ = true;
    const auto finish = [self = shared_from_this(), loop = caller_->loop_,
                         then](const absl::Status& status) {
      loop->Post([self, then, status] {
        self->disk_busy_ = false;
        if (!self->done_) return;
        if (!status.ok()) return self->Fail(status);
        then();
      });
    };
    const absl::Status posted =
        caller_->disk_->TryPost([work = std::move(work), finish] { finish(work()); });
    if (!posted.ok()) finish(posted);
  }

  static size_t OnRead(char* buffer, size_t size, size_t count, void* self) {
    return static_cast<Call*>(self)->Give(buffer, size * count);
  }
  static size_t OnBody(char* data, size_t size, size_t count, void* self) {
    return static_cast<Call*>(self)->Take({data, size * count});
  }
  static size_t OnHeader(char* data, size_t size, size_t count, void* self) {
    static_cast<Call*>(self)->Header({data, size * count});
    return size * count;
  }

  ApplicationCaller* const caller_;
  const app::ApplicationRequest request_;
  Done done_;  // null: nobody wants to know any more
  CurlList headers_;
  CurlEasy easy_;
  std::array<char, CURL_ERROR_SIZE> error_text_{};

  std::shared_ptr<app::LocalFile> source_;
  std::string piece_;  // read from it; the first `given_` bytes of it are sent
  size_t given_ = 0;
  uint64_t read_ = 0;
  std::shared_ptr<app::LocalFile> sink_;
  std::string taken_;    // of the answer, waits to be written
  std::string writing_;  // is being written
  uint64_t written_ = 0;
  uint64_t ignored_ = 0;
  bool disk_busy_ = false;
  bool ended_ = false;  // libcurl is done with it
  domain::ApplicationAnswer answer_;
};

void ApplicationCaller::Call::Start() {
  if (!request_.by_value) return Open();
  OnDisk(
      [this, files = caller_->files_]() -> absl::Status {
        BITS_ASSIGN_OR_RETURN(source_, files->OpenSource(request_.data_path));
        return absl::OkStatus();
      },
      [this] { Open(); });
}

void ApplicationCaller::Call::Open() {
  easy_ = caller_->multi_->Acquire();
  SetOptions();
  caller_->multi_->Start(easy_.get(), this);
}

void ApplicationCaller::Call::SetOptions() {
  const Options& options = caller_->options_;
  const auto add = [this](std::string_view name, const std::string& value) {
    headers_ = Append(std::move(headers_), absl::StrCat(Av(name), ": ", value));
  };
  add("BITS-Original-Request-URL", request_.original_url);
  add("BITS-Session-Id", request_.session_id);
  add("Idempotency-Key", request_.idempotency_key);
  CURL* easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_URL, request_.url.c_str());
  curl_easy_setopt(easy, CURLOPT_POST, 1L);
  if (request_.by_value) {
    add("Content-Type", "application/octet-stream");
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, &Call::OnRead);
    curl_easy_setopt(easy, CURLOPT_READDATA, this);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.size));
  } else {
    add("BITS-Request-DataFile-Name", request_.data_path);
    add("BITS-Response-DataFile-Name", request_.reply_path);
    headers_ = Append(std::move(headers_), "Content-Type:");
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t{0});
  }
  headers_ = Append(std::move(headers_), "Expect:");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
  curl_easy_setopt(easy, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
  curl_easy_setopt(easy, CURLOPT_USERAGENT, options.user_agent.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // see CurlWebhookSender
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
                   static_cast<long>(std::max<int64_t>(1, absl::ToInt64Seconds(options.timeout))));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(absl::ToInt64Milliseconds(
                       std::min(options.timeout, kApplicationConnectTimeout))));
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text_.data());
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Call::OnHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Call::OnBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  if (!options.ca_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, options.ca_file.c_str());
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  }
}

size_t ApplicationCaller::Call::Give(char* buffer, size_t size) {
  if (given_ == piece_.size()) {
    if (read_ == request_.size) return 0;
    if (!disk_busy_) ReadNext();
    return CURL_READFUNC_PAUSE;
  }
  const size_t n = std::min(size, piece_.size() - given_);
  std::memcpy(buffer, piece_.data() + given_, n);
  given_ += n;
  return n;
}

void ApplicationCaller::Call::ReadNext() {
  piece_.resize(std::min<uint64_t>(kCallPiece, request_.size - read_));
  given_ = piece_.size();  // until it is here
  OnDisk(
      [this]() -> absl::Status {
        BITS_ASSIGN_OR_RETURN(const size_t n,
                              source_->ReadAt(read_, piece_.data(), piece_.size()));
        return n == piece_.size() ? absl::OkStatus() : absl::DataLossError("it was cut off");
      },
      [this] {
        if (ended_) return Conclude();
        read_ += piece_.size();
        given_ = 0;
        caller_->multi_->Unpause(easy_.get());
      });
}

void ApplicationCaller::Call::Header(std::string_view line) {
  if (line.starts_with("HTTP/")) answer_ = {};  // that of another answer, as of 100
  if (auto url = ValueOf(line, "BITS-Static-Response-URL")) answer_.static_url = *std::move(url);
  if (ValueOf(line, "BITS-Copy-File-To-Destination")) answer_.copy = true;
}

size_t ApplicationCaller::Call::Take(std::string_view data) {
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  if (!request_.by_value || status != 200 || !answer_.static_url.empty()) {
    ignored_ += data.size();
    return ignored_ > kMostIgnored ? 0 : data.size();
  }
  if (disk_busy_ && taken_.size() >= kCallPiece) return CURL_WRITEFUNC_PAUSE;
  taken_ += data;
  if (!disk_busy_) WriteNext();
  return data.size();
}

void ApplicationCaller::Call::WriteNext() {
  writing_ = std::exchange(taken_, {});
  OnDisk(
      [this, files = caller_->files_]() -> absl::Status {
        if (sink_ == nullptr) {
          BITS_ASSIGN_OR_RETURN(sink_, files->OpenTemporary(request_.reply_path, true));
        }
        return sink_->WriteAt(written_, writing_);
      },
      [this] {
        written_ += writing_.size();
        if (!taken_.empty()) WriteNext();
        if (ended_) return Conclude();
        caller_->multi_->Unpause(easy_.get());
      });
}

void ApplicationCaller::Call::OnDone(const MultiDriver::Outcome& outcome) {
  ended_ = true;
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  const bool cut_off = outcome.code == CURLE_WRITE_ERROR && ignored_ > kMostIgnored;
  // An answer other than 200 counts also where the request was not taken to its end.
  if (outcome.code == CURLE_OK || cut_off || (status >= 300 && outcome.code != CURLE_OPERATION_TIMEDOUT)) {
    answer_.status = static_cast<uint32_t>(status);
  } else {
    long os_error = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &os_error);
    const domain::Failure failure = CurlFailure(outcome.code, os_error, error_text_.data(), 0);
    answer_ = {};
    answer_.timed_out = outcome.code == CURLE_OPERATION_TIMEDOUT;
    answer_.hresult = failure.hresult;
    answer_.detail = failure.detail;
  }
  Conclude();
}

void ApplicationCaller::Call::Conclude() {
  if (disk_busy_) return;  // what it does there calls again
  if (!taken_.empty()) return WriteNext();
  if (answer_.status != 200 || sink_ == nullptr) return Answer(std::move(answer_));
  OnDisk([this] { return sink_->Sync(); },
         [this] {
           answer_.reply_size = written_;
           Answer(std::move(answer_));
         });
}

void ApplicationCaller::Call::Fail(const absl::Status& status) {
  domain::ApplicationAnswer answer;
  answer.hresult = app::HresultOf(status);
  answer.detail = std::string(status.message());
  Answer(std::move(answer));
}

void ApplicationCaller::Call::Answer(domain::ApplicationAnswer answer) {
  const Done done = std::exchange(done_, nullptr);
  const std::shared_ptr<Call> self = shared_from_this();
  if (easy_ != nullptr && !ended_) caller_->multi_->Cancel(easy_.get());
  easy_ = nullptr;
  caller_->Forget(this);
  // Closing a file may block.
  caller_->disk_->TryPost([source = std::exchange(source_, nullptr),
                           sink = std::exchange(sink_, nullptr)] {}).IgnoreError();
  done(std::move(answer));
}

absl::StatusOr<std::unique_ptr<ApplicationCaller>> ApplicationCaller::Create(
    Options options, app::FileSystem* files, Executor* disk) {
  BITS_RETURN_IF_ERROR(InitCurl());
  BITS_ASSIGN_OR_RETURN(std::unique_ptr<EventLoop> loop, EventLoop::Create());
  std::unique_ptr<ApplicationCaller> caller(
      new ApplicationCaller(std::move(options), files, disk, std::move(loop)));
  MutexLock lock(caller->join_mutex_);
  caller->thread_ = std::thread([loop_of_caller = caller->loop_.get()] {
    SetThreadName("bits-apps");
    loop_of_caller->Run();
  });
  return caller;
}

ApplicationCaller::ApplicationCaller(Options options, app::FileSystem* files, Executor* disk,
                                     std::unique_ptr<EventLoop> loop)
    : options_(std::move(options)),
      files_(files),
      disk_(disk),
      loop_(std::move(loop)),
      multi_(std::make_unique<MultiDriver>(loop_.get())) {}

ApplicationCaller::~ApplicationCaller() { Shutdown(); }

void ApplicationCaller::Notify(app::ApplicationRequest request, Done done) {
  auto held = std::make_shared<app::ApplicationRequest>(std::move(request));
  loop_->Post([this, held, done = std::move(done)]() mutable {
    Begin(std::move(*held), std::move(done));
  });
}

void ApplicationCaller::Shutdown() {
  MutexLock lock(join_mutex_);
  if (!thread_.joinable()) return;
  loop_->Post([this] {
    for (const auto& [key, call] : calls_) call->Cancel();
    calls_.clear();
    multi_ = nullptr;
  });
  loop_->Stop();
  thread_.join();
}

void ApplicationCaller::Begin(app::ApplicationRequest request, Done done) {
  if (multi_ == nullptr) return;
  auto call = std::make_shared<Call>(this, std::move(request), std::move(done));
  Call* const begun = call.get();
  calls_.emplace(begun, std::move(call));
  begun->Start();
}

void ApplicationCaller::Forget(const Call* call) { calls_.erase(call); }

}  // namespace bits::transfer
