#include "server/store/record_upload.h"

#include "server/store/record.pb.h"

namespace bits::store {

std::string EncodeUploadSession(const domain::UploadSession& session) {
  v1::UploadSessionRecord to;
  to.set_id(session.id);
  to.set_client(session.client);
  to.set_location(session.location);
  to.set_destination(session.destination);
  to.set_temporary(session.temporary);
  to.set_reply(session.reply);
  to.set_state(static_cast<uint32_t>(session.state));
  if (session.total.has_value()) to.set_total(*session.total);
  to.set_received(session.received);
  to.set_identity(session.identity);
  to.set_create_time(absl::ToUnixNanos(session.create_time));
  to.set_expire_time(absl::ToUnixNanos(session.expire_time));
  to.set_refused(session.refused);
  to.set_published(session.published);
  to.set_reply_url(session.reply_url);
  to.set_has_reply(session.has_reply);
  to.set_reply_size(session.reply_size);
  to.set_reply_time(absl::ToUnixNanos(session.reply_time));
  return to.SerializeAsString();
}

absl::StatusOr<domain::UploadSession> DecodeUploadSession(std::string_view record) {
  v1::UploadSessionRecord from;
  if (!from.ParseFromArray(record.data(), static_cast<int>(record.size())) ||
      from.state() > static_cast<uint32_t>(domain::UploadState::kEnded)) {
    return absl::UnavailableError("the store holds an upload session that cannot be read");
  }
  domain::UploadSession session;
  session.id = from.id();
  session.client = from.client();
  session.location = from.location();
  session.destination = from.destination();
  session.temporary = from.temporary();
  session.reply = from.reply();
  session.state = static_cast<domain::UploadState>(from.state());
  if (from.has_total()) session.total = from.total();
  session.received = from.received();
  session.identity = from.identity();
  session.create_time = absl::FromUnixNanos(from.create_time());
  session.expire_time = absl::FromUnixNanos(from.expire_time());
  session.refused = from.refused();
  session.published = from.published();
  session.reply_url = from.reply_url();
  session.has_reply = from.has_reply();
  session.reply_size = from.reply_size();
  session.reply_time = absl::FromUnixNanos(from.reply_time());
  return session;
}

}  // namespace bits::store
