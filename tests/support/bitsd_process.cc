#include "tests/support/bitsd_process.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/base/status_macros.h"
#include "server/base/strings.h"
#include "tests/support/temp_dir.h"

namespace bits::testing {
namespace {

std::string Binary(const BitsdProcess::Options& options) {
  if (!options.binary.empty()) return options.binary;
  if (const char* given = std::getenv("BITSD"); given != nullptr && *given != '\0') return given;
#ifdef BITS_BITSD_PATH
  return BITS_BITSD_PATH;
#else
  return "bitsd";
#endif
}

// The address of a "listening" line, in either log format.
std::optional<std::string> ListeningAddress(std::string_view line) {
  if (line.find("listening") == std::string_view::npos) return std::nullopt;
  for (std::string_view key :
       {std::string_view(" listening address="), std::string_view("\"address\":")}) {
    size_t at = line.find(key);
    if (at == std::string_view::npos) continue;
    std::string_view rest = line.substr(at + key.size());
    if (rest.starts_with('"')) {
      rest.remove_prefix(1);
      return std::string(rest.substr(0, rest.find('"')));
    }
    return std::string(rest.substr(0, rest.find(' ')));
  }
  return std::nullopt;
}

// grpc.health.v1.HealthCheckResponse {status: SERVING} on the wire.
constexpr std::string_view kServing("\x08\x01", 2);

std::string Flatten(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string all;
  if (!buffer.Dump(&slices).ok()) return all;
  for (const grpc::Slice& slice : slices) {
    all.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return all;
}

// One call of health Watch, until it says SERVING or ends. Debian has no generated stub for it.
class HealthWatch {
 public:
  HealthWatch(const std::shared_ptr<grpc::Channel>& channel, absl::Time deadline) : stub_(channel) {
    context_.set_deadline(absl::ToChronoTime(deadline));
  }
  ~HealthWatch() {
    context_.TryCancel();
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  bool WaitUntilServing() {
    call_ = stub_.PrepareCall(&context_, "/grpc.health.v1.Health/Watch", &queue_);
    call_->StartCall(this);
    if (!Next()) return false;
    grpc::Slice empty("");
    call_->WriteLast(grpc::ByteBuffer(&empty, 1), grpc::WriteOptions(), this);
    if (!Next()) return false;
    while (true) {
      grpc::ByteBuffer response;
      call_->Read(&response, this);
      if (!Next()) return false;
      if (Flatten(response) == kServing) return true;
    }
  }

 private:
  bool Next() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }

  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  grpc::GenericStub stub_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<BitsdProcess>> BitsdProcess::Start(Options options) {
  if (options.log_path.empty()) options.log_path = options.state_dir + ".log";
  std::unique_ptr<BitsdProcess> bitsd(new BitsdProcess(std::move(options)));
  BITS_RETURN_IF_ERROR(bitsd->Launch(bitsd->options_.listen));
  return bitsd;
}

BitsdProcess::~BitsdProcess() { Kill(); }

absl::Status BitsdProcess::Launch(const std::string& listen) {
  const absl::Time deadline = absl::Now() + options_.start_timeout;
  {
    MutexLock lock(mutex_);
    lines_.clear();
  }
  Subprocess::Options launch;
  launch.argv = {Binary(options_), "--listen=" + listen, "--state_dir=" + options_.state_dir};
  for (const std::string& root : options_.roots) launch.argv.push_back("--root=" + root);
  launch.argv.insert(launch.argv.end(), options_.flags.begin(), options_.flags.end());
  launch.log_path = options_.log_path;
  launch.environment = options_.environment;
  launch.on_line = [this](std::string_view line) { OnLine(line); };
  BITS_ASSIGN_OR_RETURN(process_, Subprocess::Start(std::move(launch)));

  absl::Status serving = WaitUntilServing(deadline);
  if (!serving.ok()) Kill();
  return serving;
}

absl::Status BitsdProcess::WaitUntilServing(absl::Time deadline) {
  // Its end is noticed by a line too: Wait() passes on all output first.
  std::optional<std::string> address;
  while (!address) {
    {
      MutexLock lock(mutex_);
      changed_.WaitFor(mutex_, std::chrono::milliseconds(100), [&] {
        mutex_.AssertHeld();
        for (const std::string& line : lines_) {
          address = ListeningAddress(line);
          if (address) return true;
        }
        return false;
      });
    }
    if (address) break;
    if (std::optional<int> status = process_->Wait(absl::ZeroDuration())) {
      return Explain("bitsd " + DescribeWaitStatus(*status) + " before it listened");
    }
    if (absl::Now() > deadline) return Explain("bitsd does not listen");
  }
  if (*address != address_) {
    address_ = *address;
    channel_ = nullptr;
  }
  // A channel of its own: an older one may be waiting to connect again.
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  HealthWatch watch(
      grpc::CreateCustomChannel(address_, grpc::InsecureChannelCredentials(), arguments), deadline);
  return watch.WaitUntilServing() ? absl::OkStatus() : Explain("bitsd does not serve");
}

absl::Status BitsdProcess::Explain(std::string_view what) const {
  std::string log = Log();
  constexpr size_t kTail = 4000;
  if (log.size() > kTail) log.erase(0, log.size() - kTail);
  return absl::InternalError(absl::StrCat(Av(what), "; its log ends with:\n", log));
}

void BitsdProcess::OnLine(std::string_view line) {
  {
    MutexLock lock(mutex_);
    lines_.emplace_back(line);
  }
  changed_.SignalAll();
}

absl::Status BitsdProcess::Stop(absl::Duration timeout) {
  if (process_ == nullptr) return absl::FailedPreconditionError("bitsd does not run");
  process_->Signal(SIGTERM);
  std::optional<int> status = process_->Wait(timeout);
  process_ = nullptr;
  if (!status) return Explain("bitsd had to be killed");
  if (*status != 0) return Explain("bitsd " + DescribeWaitStatus(*status));
  return absl::OkStatus();
}

void BitsdProcess::Kill() { process_ = nullptr; }

absl::Status BitsdProcess::Restart() {
  Kill();
  return Launch(address_.empty() ? options_.listen : address_);
}

pid_t BitsdProcess::pid() const { return process_ == nullptr ? 0 : process_->pid(); }

std::shared_ptr<grpc::Channel> BitsdProcess::channel() {
  if (channel_ == nullptr) {
    grpc::ChannelArguments arguments;
    // After a restart it is looked for often: tests should not wait for gRPC's back-off.
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 50);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 200);
    channel_ = grpc::CreateCustomChannel(address_, grpc::InsecureChannelCredentials(), arguments);
  }
  return channel_;
}

std::string BitsdProcess::Log() const { return ReadFileOr(options_.log_path, ""); }

bool BitsdProcess::WaitForLog(std::string_view text, absl::Duration timeout) {
  MutexLock lock(mutex_);
  return changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(timeout), [&] {
    mutex_.AssertHeld();
    return std::any_of(lines_.begin(), lines_.end(), [&](const std::string& line) {
      return line.find(text) != std::string::npos;
    });
  });
}

}  // namespace bits::testing
