#include "server/transfer/engine.h"

#include <sys/resource.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "server/base/log.h"
#include "server/base/redact.h"
#include "server/base/status_macros.h"
#include "server/transfer/curl_handle.h"
#include "server/transfer/failure.h"
#include "server/transfer/http_transfer.h"
#include "server/transfer/sidecar_fetch.h"
#include "server/transfer/source_copy.h"

namespace bits::transfer {
namespace {

// A try needs a socket, its file, and now and then a directory or a resolver's socket.
constexpr size_t kDescriptorsEach = 3;
constexpr size_t kDescriptorsForOthers = 256;

size_t AllowedByDescriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return std::numeric_limits<size_t>::max();
  }
  const size_t all = limit.rlim_cur;
  return std::max<size_t>(1, (all - std::min(all, kDescriptorsForOthers)) / kDescriptorsEach);
}

ThreadPool::Options IoOptions(const EngineOptions& options) {
  ThreadPool::Options io;
  io.name = "bits-io";
  io.threads = options.io_threads;
  // Bounded by the number of tries: each has one task in the queue at most for either strand.
  io.queue_capacity = std::numeric_limits<size_t>::max();
  return io;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> Engine::Create(EngineOptions options,
                                                       app::FileSystem* files, app::Clock* clock) {
  BITS_RETURN_IF_ERROR(InitCurl());
  BITS_ASSIGN_OR_RETURN(std::shared_ptr<EventLoop> loop, EventLoop::Create());
  const size_t allowed = AllowedByDescriptors();
  if (allowed < options.max_transfers) {
    BITS_LOG(kWarning, "the limit of open files allows fewer transfers at once",
             {{"wanted", options.max_transfers}, {"allowed", allowed}});
    options.max_transfers = allowed;
  }
  std::unique_ptr<Engine> engine(new Engine(options, std::move(loop), files, clock));
  engine->thread_ = std::thread([loop_of_engine = engine->loop_] {
    SetThreadName("bits-loop");
    loop_of_engine->Run();
  });
  return engine;
}

Engine::Engine(const EngineOptions& options, std::shared_ptr<EventLoop> loop,
               app::FileSystem* files, app::Clock* clock)
    : loop_(std::move(loop)),
      io_(IoOptions(options)),
      buffers_(options.buffer_memory),
      pacer_(loop_.get()),
      context_{loop_, &io_, files, clock, &buffers_, &pacer_, options},
      multi_(loop_.get()),
      lookups_(options.max_lookups),
      admission_(options.max_transfers, options.max_connections_per_host) {}

Engine::~Engine() {
  constexpr absl::Duration kPatience = absl::Seconds(10);
  if (!Shutdown(kPatience)) BITS_LOG(kWarning, "transfers did not stop in time");
  loop_->Post([this] { transfers_.clear(); });
  loop_->Stop();
  thread_.join();
  io_.Shutdown();
}

Engine::TransferId Engine::Start(app::TransferSpec spec,
                                 std::shared_ptr<app::TransferObserver> observer) {
  const TransferId id = next_id_++;
  auto held = std::make_shared<app::TransferSpec>(std::move(spec));
  loop_->Post([this, id, held, observer = std::move(observer)]() mutable {
    Take(id, std::move(*held), std::move(observer));
  });
  return id;
}

void Engine::Stop(TransferId id) {
  loop_->Post([this, id] { StopOne(id); });
}

void Engine::SetRateLimits(const domain::RateLimits& limits) {
  loop_->Post([this, limits] { pacer_.SetLimits(limits); });
}

void Engine::SetJobRate(const domain::JobId& job, domain::Priority priority,
                        domain::Rate max_bytes_per_second) {
  loop_->Post([this, job, priority, max_bytes_per_second] {
    pacer_.SetJob(job, priority, max_bytes_per_second);
    for (auto& [id, transfer] : transfers_) {  // those that wait for their turn
      if (transfer.delivery != nullptr || transfer.spec.job != job) continue;
      transfer.spec.priority = priority;
      transfer.spec.max_bytes_per_second = max_bytes_per_second;
    }
  });
}

bool Engine::Shutdown(absl::Duration timeout) {
  loop_->Post([this] {
    stopping_ = true;
    std::vector<TransferId> ids;
    for (const auto& [id, transfer] : transfers_) ids.push_back(id);
    for (TransferId id : ids) StopOne(id);
    Forget(0);
  });
  MutexLock lock(mutex_);
  return ended_.WaitFor(mutex_, absl::ToChronoNanoseconds(timeout), [this] {
    mutex_.AssertHeld();
    return all_ended_;
  });
}

void Engine::Take(TransferId id, app::TransferSpec spec,
                  std::shared_ptr<app::TransferObserver> observer) {
  if (stopping_) return;
  Transfer transfer;
  transfer.spec = std::move(spec);
  transfer.observer = std::move(observer);
  if (std::optional<domain::Failure> failure = Locate(transfer)) {
    transfer.observer->OnFailed(*failure);
    return;
  }
  admission_.Add(id, transfer.url.scheme == "file" ? "" : transfer.url.HostAndPort());
  transfers_.emplace(id, std::move(transfer));
  BeginAllowed();
}

std::optional<domain::Failure> Engine::Locate(Transfer& transfer) const {
  std::variant<Url, domain::Hresult> url = ParseUrl(domain::SourceName(transfer.spec.file));
  if (const auto* refused = std::get_if<domain::Hresult>(&url)) {
    return RemoteFailure(*refused, "the remote name is not a valid URL");
  }
  transfer.url = std::get<Url>(std::move(url));
  const std::optional<domain::Checksum>& checksum = transfer.spec.file.checksum;
  if (checksum.has_value() && !checksum->uri.empty()) {
    std::variant<Url, domain::Hresult> sidecar = ParseUrl(checksum->uri);
    if (const auto* refused = std::get_if<domain::Hresult>(&sidecar)) {
      domain::Failure failure = RemoteFailure(*refused, "the checksum's uri is not a valid URL");
      failure.of_sidecar = true;
      return failure;
    }
    transfer.sidecar = std::get<Url>(std::move(sidecar));
  }
  if (transfer.url.scheme != "file") return std::nullopt;
  absl::StatusOr<std::string> path = context_.files->Resolve(transfer.url.path);
  if (!path.ok()) return SourceFailure(path.status());
  transfer.source = *std::move(path);
  return std::nullopt;
}

void Engine::BeginAllowed() {
  while (std::optional<TransferId> id = admission_.Next()) Begin(*id, transfers_.at(*id));
}

void Engine::Begin(TransferId id, Transfer& transfer) {
  context_.active = admission_.running();
  RateLimiter::Flow flow{transfer.spec.job, transfer.spec.priority,
                         transfer.spec.max_bytes_per_second, transfer.url.host};
  transfer.delivery =
      std::make_shared<Delivery>(&context_, id, std::move(transfer.spec),
                                 std::move(transfer.observer), [this, id] { OnEnded(id); });
  if (transfer.sidecar) {
    transfer.delivery->SetSidecar(std::make_unique<SidecarFetch>(
        &context_, &multi_, &lookups_, id, transfer.delivery->spec(), *std::move(transfer.sidecar)));
  }
  pacer_.Add(id, flow, [weak = std::weak_ptr(transfer.delivery)] {
    if (const auto delivery = weak.lock()) delivery->OnPaceGranted();
  });
  if (transfer.source.empty()) {
    transfer.bytes = std::make_unique<HttpTransfer>(
        &context_, &multi_, &lookups_, transfer.delivery.get(), std::move(transfer.url));
  } else {
    transfer.bytes = std::make_unique<SourceCopy>(&context_, transfer.delivery.get(),
                                                  std::move(transfer.source));
  }
  transfer.delivery->Start(transfer.bytes.get());
}

void Engine::StopOne(TransferId id) {
  auto it = transfers_.find(id);
  if (it == transfers_.end()) return;
  if (it->second.delivery != nullptr) return it->second.delivery->Stop();
  const std::shared_ptr<app::TransferObserver> observer = std::move(it->second.observer);
  observer->OnStopped();
  Forget(id);
}

void Engine::OnEnded(TransferId id) {
  // Not at once: the delivery that calls this is one of those that go.
  loop_->Post([this, id] {
    Forget(id);
    BeginAllowed();
  });
}

void Engine::Forget(TransferId id) {
  transfers_.erase(id);
  pacer_.Remove(id);
  admission_.Leave(id);
  context_.active = admission_.running();
  if (!stopping_ || !transfers_.empty()) return;
  {
    MutexLock lock(mutex_);
    all_ended_ = true;
  }
  ended_.SignalAll();
}

}  // namespace bits::transfer
