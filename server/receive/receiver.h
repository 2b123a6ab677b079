// The receiver of uploads: BITS_POST over HTTP and HTTPS, for Windows' BITS and other bitsds.
#ifndef BITS_SERVER_RECEIVE_RECEIVER_H_
#define BITS_SERVER_RECEIVE_RECEIVER_H_

#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/ports/clock.h"
#include "server/app/upload_manager.h"
#include "server/receive/connection.h"
#include "server/receive/io_loop.h"
#include "server/receive/options.h"
#include "server/receive/passwords.h"
#include "server/receive/transport.h"

namespace bits::receive {

// All connections are on one thread, which waits for sockets and nothing else.
class Receiver {
 public:
  // Listens, and receives from then on. `uploads` and `clock` outlive it; it outlives the executor's
  // and the store's threads. INVALID_ARGUMENT, UNAVAILABLE: see Listen().
  static absl::StatusOr<std::unique_ptr<Receiver>> Start(Options options,
                                                         app::UploadManager* uploads,
                                                         const app::Clock* clock);
  ~Receiver();  // Shutdown()

  // "http://127.0.0.1:8008"; as bound.
  std::vector<std::string> addresses() const;
  // Ends all connections; what came of fragments under way is kept, once the executor and the
  // store have done what they have accepted. Blocks. Idempotent; one thread.
  void Shutdown();

 private:
  Receiver(Options options, app::UploadManager* uploads, const app::Clock* clock);
  // On the loop.
  void Accept(Acceptor* acceptor);
  void OnConnection(Acceptor* acceptor, std::shared_ptr<Transport> transport);
  void Sweep();
  void SweepAt(absl::Time time);

  const Options options_;
  const app::Clock* const clock_;
  app::UploadManager* const uploads_;
  IoLoop loop_;
  Passwords passwords_;
  const Service service_;
  IoTimer sweep_timer_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  // The loop's.
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  std::unordered_set<Acceptor*> waiting_;  // until a connection ends
  bool closing_ = false;
};

}  // namespace bits::receive

#endif  // BITS_SERVER_RECEIVE_RECEIVER_H_
