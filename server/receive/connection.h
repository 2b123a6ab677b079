// One client's connection: its requests one after the other, each to its end.
#ifndef BITS_SERVER_RECEIVE_CONNECTION_H_
#define BITS_SERVER_RECEIVE_CONNECTION_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "server/app/upload_fragment.h"
#include "server/app/upload_manager.h"
#include "server/receive/io_loop.h"
#include "server/receive/options.h"
#include "server/receive/passwords.h"
#include "server/receive/request_head.h"
#include "server/receive/response.h"
#include "server/receive/transport.h"

namespace bits::receive {

// What all connections share; outlives them.
struct Service {
  const Options* options;
  IoLoop* loop;
  app::UploadManager* uploads;
  Passwords* passwords;
};

// On the loop's thread.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // `ended` is called once, when it is at its end.
  Connection(const Service& service, std::shared_ptr<Transport> transport,
             std::function<void()> ended);
  ~Connection();

  void Start();
  // What is under way is broken off.
  void Close();

 private:
  struct Target;

  void ReadHead();
  // False: it is not all there.
  bool TakeRequest();
  void OnRequest();
  void OnUser(bool known);
  void Dispatch();
  void OnPost();

  // The bytes of a fragment.
  void OnBegun(std::variant<domain::UploadAnswer, std::shared_ptr<app::UploadFragment>> begun);
  void ReadBody();
  void FlushBody();
  void Broken();
  // Another connection has asked for the session of this request.
  void MakeWay(uint64_t request);

  // A reply of the application.
  void OnGet(const std::string& session_id);
  void OnReply(app::UploadManager::Reply reply);
  void SendReply();

  // Sends it once the rest of the request has been read, or ends the connection after it.
  void Respond(domain::UploadAnswer answer);
  void Discard();
  void Send();
  void NextRequest();
  void Linger(size_t left);
  void End();

  void Arm(absl::Duration delay);
  // `task` on the loop, from any thread.
  std::function<void()> OnLoop(std::function<void(Connection&)> task);
  template <typename Answer>
  std::function<void(Answer)> OnLoop(void (Connection::*method)(Answer));

  const Service service_;
  const std::shared_ptr<Transport> transport_;
  std::function<void()> ended_;
  IoTimer timer_;

  std::string buffer_;  // read, but not yet used
  bool in_head_ = false;
  bool closed_ = false;

  // Of the request under way.
  RequestHead head_;
  uint64_t body_left_ = 0;  // bytes of the body that are still to be taken from buffer_ or the socket
  const Location* location_ = nullptr;
  std::string name_;  // within it
  std::string query_;
  std::string client_;
  std::shared_ptr<app::UploadFragment> fragment_;
  uint64_t skip_left_ = 0;
  uint64_t request_ = 0;  // which it is, of this connection
  bool reading_body_ = false;
  bool superseded_ = false;
  bool failed_ = false;  // the rest of the body is of no use
  std::unique_ptr<char[]> chunk_;
  size_t chunk_size_ = 0;
  size_t chunk_filled_ = 0;

  app::UploadManager::Reply reply_;
  uint64_t reply_offset_ = 0;
  uint64_t reply_left_ = 0;

  domain::UploadAnswer answer_;
  bool challenge_ = false;
  std::string out_;  // being sent
};

}  // namespace bits::receive

#endif  // BITS_SERVER_RECEIVE_CONNECTION_H_
