// Whom an HttpTransfer fetches for: the file of a try (Delivery), or its checksum file
// (SidecarFetch).
#ifndef BITS_SERVER_TRANSFER_BYTE_TAKER_H_
#define BITS_SERVER_TRANSFER_BYTE_TAKER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "server/app/ports/transfer_engine.h"
#include "server/domain/bandwidth.h"
#include "server/domain/error.h"
#include "server/domain/job.h"

namespace bits::transfer {

// All on the loop's thread, and nothing from within a callback of libcurl but Accept and Append.
class ByteTaker {
 public:
  virtual ~ByteTaker() = default;

  virtual const app::TransferSpec& spec() const = 0;
  // See Pacer::ShareOf.
  virtual std::optional<domain::Rate> share() const = 0;
  // The host that the bytes come from: a redirect may lead from one to another.
  virtual void SetHost(const std::string& host) = 0;
  // So many bytes are here; of so many; of this version.
  virtual uint64_t position() const = 0;
  virtual std::optional<uint64_t> total() const = 0;
  virtual const domain::Validators& validators() const = 0;
  // What is here came from another source of the file than this try's.
  bool HoldsOtherSource() const {
    return position() > 0 && validators().source != spec().file.mirrors.source;
  }

  // Good bytes follow, from position() on, of this version.
  virtual void Accept(std::optional<uint64_t> total, domain::Validators validators,
                      std::optional<absl::Time> last_modified) = 0;
  // The head of the last answer, as in domain::File.
  virtual void SetResponseHeaders(std::string lines) = 0;
  // Where redirects led that are to be reported.
  virtual void SetFinalName(std::string name) = 0;
  // At most BufferPool::kLeast bytes, all of them or none, where there is no room, or a limit on
  // the rate: then OnRoom says when to try again.
  virtual bool Append(std::string_view data) = 0;
  // What is here is of another version: once it is gone (position() is 0) `then` is called.
  virtual void Restart(app::RestartReason reason, std::function<void()> then) = 0;
  // All is here.
  virtual void Finish() = 0;
  // It cannot go on. What is here is made durable and told of, but for `keep` false: then it is not
  // good.
  virtual void Fail(domain::Failure failure, bool keep = true) = 0;
};

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_BYTE_TAKER_H_
