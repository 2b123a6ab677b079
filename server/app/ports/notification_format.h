// A notification as its receiver is to read it.
#ifndef BITS_SERVER_APP_PORTS_NOTIFICATION_FORMAT_H_
#define BITS_SERVER_APP_PORTS_NOTIFICATION_FORMAT_H_

#include <string>

#include "server/app/ports/notification_record.h"
#include "server/domain/policy.h"

namespace bits::app {

// Thread-safe; does not block.
class NotificationFormat {
 public:
  virtual ~NotificationFormat() = default;
  virtual std::string ContentType() const = 0;
  // `id` tells it from all others, here and elsewhere. No secrets are in it.
  virtual std::string Format(const std::string& id, const NotificationRecord& notification,
                             const domain::Policy& policy) const = 0;
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_PORTS_NOTIFICATION_FORMAT_H_
