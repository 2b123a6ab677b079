// What keeps jobs' secrets unreadable at rest.
#ifndef BITS_SERVER_APP_PORTS_SECRET_SEALER_H_
#define BITS_SERVER_APP_PORTS_SECRET_SEALER_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/base/secret.h"

namespace bits::app {

// Thread-safe; does not block.
class SecretSealer {
 public:
  virtual ~SecretSealer() = default;
  // `context` must be the same to open it again.
  virtual absl::StatusOr<std::string> Seal(const Secret& secret, std::string_view context) const = 0;
  // NOT_FOUND: the key that it was sealed with is not here. DATA_LOSS: it is not what was sealed.
  virtual absl::StatusOr<Secret> Open(std::string_view sealed, std::string_view context) const = 0;
  // Whether what is sealed now can be opened once the server was started anew.
  virtual bool durable() const = 0;
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_PORTS_SECRET_SEALER_H_
