#include "server/receive/receiver.h"

#include <algorithm>
#include <utility>

#include "server/base/status_macros.h"

namespace bits::receive {
namespace {

// The loop's timers do not count sleep, the clock does.
constexpr absl::Duration kLongestWait = absl::Hours(1);

}  // namespace

absl::StatusOr<std::unique_ptr<Receiver>> Receiver::Start(Options options,
                                                          app::UploadManager* uploads,
                                                          const app::Clock* clock) {
  std::unique_ptr<Receiver> receiver(new Receiver(std::move(options), uploads, clock));
  for (const ListenOptions& listen : receiver->options_.listen) {
    BITS_ASSIGN_OR_RETURN(std::unique_ptr<Acceptor> acceptor, Listen(receiver->loop_, listen));
    receiver->acceptors_.push_back(std::move(acceptor));
  }
  Receiver* const self = receiver.get();
  uploads->SetSweepListener(
      [self](absl::Time time) { self->loop_.Post([self, time] { self->SweepAt(time); }); });
  self->loop_.Post([self] {
    for (const auto& acceptor : self->acceptors_) self->Accept(acceptor.get());
    self->Sweep();
  });
  self->loop_.Run();
  return receiver;
}

Receiver::Receiver(Options options, app::UploadManager* uploads, const app::Clock* clock)
    : options_(std::move(options)),
      clock_(clock),
      uploads_(uploads),
      service_{&options_, &loop_, uploads, &passwords_},
      sweep_timer_(loop_) {}

Receiver::~Receiver() { Shutdown(); }

std::vector<std::string> Receiver::addresses() const {
  std::vector<std::string> addresses;
  for (const auto& acceptor : acceptors_) addresses.push_back(acceptor->address());
  return addresses;
}

void Receiver::Shutdown() {
  loop_.Post([this] {
    closing_ = true;
    sweep_timer_.Cancel();
    for (const auto& acceptor : acceptors_) acceptor->Close();
    for (const auto& connection : connections_) connection->Close();
  });
  loop_.Stop();
}

void Receiver::Accept(Acceptor* acceptor) {
  if (closing_) return;
  if (connections_.size() >= options_.max_connections) {
    waiting_.insert(acceptor);
    return;
  }
  acceptor->Accept([this, acceptor](std::shared_ptr<Transport> transport) {
    OnConnection(acceptor, std::move(transport));
  });
}

void Receiver::OnConnection(Acceptor* acceptor, std::shared_ptr<Transport> transport) {
  if (closing_) return;
  // The set holds it until it says that it has ended; that call is not from within it.
  const auto place = std::make_shared<std::weak_ptr<Connection>>();
  const auto connection =
      std::make_shared<Connection>(service_, std::move(transport), [this, place] {
        loop_.Post([this, place] {
          connections_.erase(place->lock());
          for (Acceptor* const next : std::exchange(waiting_, {})) Accept(next);
        });
      });
  *place = connection;
  connections_.insert(connection);
  connection->Start();
  Accept(acceptor);
}

void Receiver::Sweep() {
  uploads_->Sweep([this](absl::Time next) { loop_.Post([this, next] { SweepAt(next); }); });
}

void Receiver::SweepAt(absl::Time time) {
  if (closing_) return;
  const absl::Duration wait =
      std::clamp(time - clock_->Now(), absl::ZeroDuration(), kLongestWait);
  sweep_timer_.Set(wait, [this] { Sweep(); });
}

}  // namespace bits::receive
