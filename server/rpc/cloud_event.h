// Notifications as CloudEvents 1.0, in JSON.
#ifndef BITS_SERVER_RPC_CLOUD_EVENT_H_
#define BITS_SERVER_RPC_CLOUD_EVENT_H_

#include <string>

#include "server/app/ports/notification_format.h"

namespace bits::rpc {

class CloudEventFormat final : public app::NotificationFormat {
 public:
  // `host` names this machine, for `source`.
  explicit CloudEventFormat(const std::string& host);

  std::string ContentType() const override { return "application/cloudevents+json; charset=utf-8"; }
  std::string Format(const std::string& id, const app::NotificationRecord& notification,
                     const domain::Policy& policy) const override;

 private:
  std::string source_;
};

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_CLOUD_EVENT_H_
